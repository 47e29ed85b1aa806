/** JSON laid out to be read: each character of it stays, but for the white space between its parts. */

/** Undefined for what is no object or list. Numbers keep their digits, and members their order. */
export function layOutJson(text: string): string | undefined {
  if (!/^\s*[{[]/.test(text) || text.length > longestJson) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  return text.trim().replace(parts, (part, string: string | undefined, empty: string | undefined) => {
    if (string !== undefined) return part;
    if (empty !== undefined) return empty.replace(/\s+/g, '');
    if (part === '{' || part === '[') {
      depth += 1;
      return `${part}${line()}`;
    }
    if (part === '}' || part === ']') {
      depth -= 1;
      return `${line()}${part}`;
    }
    if (part === ',') return `,${line()}`;
    return part === ':' ? ': ' : '';
  });
}

/** A longer one would hold up the page. */
const longestJson = 2_000_000;

const parts = /("[^"\\]*(?:\\.[^"\\]*)*")|(\{\s*\}|\[\s*\])|[{}[\],:]|\s+/g;
