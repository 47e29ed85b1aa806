/** JSON from outside: how deep it may be nested, and where it is wrong. */

/**
 * How deep JSON from outside may be nested. What is deeper is refused before it is read, sent or paid for: it could not be
 * written again, for writers (ours, and those of other programs) use the stack, and indent each level.
 */
export const mostLevels = 500;

const openings = ['[', '{'] as const;

/** Whether a text, if it is JSON, is nested deeper than `mostLevels`. It need not be JSON, and is gone over once. */
export function isDeepText(text: string): boolean {
  if (openings.every((bracket) => hasFew(text, bracket))) return false;
  let levels = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at += 1;
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    } else if (character === '[' || character === '{') {
      levels += 1;
      if (levels > mostLevels) return true;
    } else if (character === ']' || character === '}') levels -= 1;
  }
  return false;
}

/** Most texts have few brackets, which is found out much faster. */
function hasFew(text: string, bracket: string): boolean {
  let at = -1;
  for (let count = 0; count <= mostLevels / openings.length; count++) {
    at = text.indexOf(bracket, at + 1);
    if (at === -1) return true;
  }
  return false;
}

/** The same of a value. */
export function isDeepValue(value: unknown, levels = mostLevels): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeepValue(inner, levels - 1));
}

/** The value in a text from outside; undefined for what is no JSON, or is nested too deep. */
export function readJson(text: string): unknown {
  try {
    return isDeepText(text) ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where a JSON text goes wrong: at the end of its longest beginning that could go on, which is looked for by halves. */
export function findFault(text: string): string {
  let [end, bad] = [0, text.length + 1];
  while (bad - end > 1) {
    const middle = Math.floor((end + bad) / 2);
    if (couldGoOn(text.slice(0, middle))) end = middle;
    else bad = middle;
  }
  const before = text.slice(0, end).split('\n');
  return `on line ${before.length}, at column ${(before.at(-1) as string).length + 1}`;
}

function couldGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    return /end of JSON|Unterminated string/.test(message) || message.includes(`at position ${text.length}`);
  }
}
