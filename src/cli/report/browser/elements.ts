/** Elements with text in them, which is never read as HTML. */

export function createElement<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...content);
  return element;
}

export function findElement<Kind extends Element = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as unknown as Kind;
}

const longestExcerpt = 320;
const before = 60;

/** As much of a text as a cell has room for, around what is searched for, with that marked. */
export function writeExcerpt(text: string, pattern: RegExp | undefined): (Node | string)[] {
  const at = pattern ? text.search(pattern) : -1;
  const start = at > longestExcerpt - before ? cutBefore(text, at - before) : 0;
  const end = cutBefore(text, Math.min(text.length, start + longestExcerpt));
  const excerpt = `${start > 0 ? '… ' : ''}${text.slice(start, end)}${end < text.length ? ' …' : ''}`;
  return markMatches(excerpt, pattern);
}

/** Not within a pair of surrogates. */
function cutBefore(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}

const mostMarks = 200;

/** The text with each match in a `mark`. */
export function markMatches(text: string, pattern: RegExp | undefined): (Node | string)[] {
  if (!pattern) return [text];
  const pieces: (Node | string)[] = [];
  let end = 0;
  for (const match of text.matchAll(new RegExp(pattern.source, 'giu'))) {
    pieces.push(text.slice(end, match.index), createElement('mark', {}, match[0]));
    end = match.index + match[0].length;
    if (pieces.length >= 2 * mostMarks) break;
  }
  return [...pieces, text.slice(end)];
}

/** Not `disabled`: a button that has the focus would lose it. */
export function enable(button: Element, isUsable: boolean): void {
  button.setAttribute('aria-disabled', String(!isUsable));
}

export function isEnabled(button: Element): boolean {
  return button.getAttribute('aria-disabled') !== 'true';
}

export function formatNumber(number: number): string {
  return number.toLocaleString('en-US');
}
