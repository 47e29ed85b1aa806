/** Words that may be a key, told by their form: what a person typed in the wrong place is not repeated then. */

const knownStart = /^(?:sk|pk|rk|gsk|xai|key|hf|nvapi|ghp)[-_].{6,}|^AIza|^Bearer\s/i;
/** Words and file names are shorter, or have no digits, or a dot or a slash in them. */
const opaque = /^(?=.*\d)(?=.*[A-Za-z])[\w+/=~-]{20,}$/;

export function looksSecret(word: string): boolean {
  return knownStart.test(word) || opaque.test(word);
}
