/** Characters that steer what shows a text, in place of standing in it. */

/**
 * Control characters, line ends that only Unicode knows, marks that turn the order of what follows around, and tags.
 * Joiners stay: words of some languages, and emoji, are written with them.
 */
const steering =
  /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;
const steeringRuns = new RegExp(`${steering.source}+`, 'gu');

/** A text on one line, with spaces for what would steer. */
export function withoutSteering(text: string): string {
  return text.replace(steeringRuns, ' ').replace(/\p{Surrogate}/gu, '\ufffd');
}

/** The same JSON, which steers nothing where its text is shown: the characters are there as escapes. */
export function escapeSteering(json: string): string {
  return json.replace(steering, (character) => (character === '\n' ? character : escapeUnits(character)));
}

function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}
