/**
 * JSON as text: finds members and lays white space anew while everything else stays as it is written. JSON.parse and
 * JSON.stringify would round numbers, move keys such as `10`, drop doubled keys and undo escapes. All of it is only
 * for text that JSON.parse has accepted.
 */

/** A key and its value, by their places in the text. */
export interface Member {
  readonly name: string;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** The members of the object that the text is, in order, doubled keys included. */
export function findMembers(text: string): Member[] {
  const members: Member[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text.charCodeAt(at) === quote) {
    const keyStart = at;
    const keyEnd = findStringEnd(text, keyStart);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = findValueEnd(text, valueStart);
    members.push({ name: readKey(text, keyStart, keyEnd), keyStart, keyEnd, valueStart, valueEnd });
    at = skipSpace(text, skipSpace(text, valueEnd) + 1);
  }
  return members;
}

/**
 * Whether members of a text may have one of these names: false is sure, and found out without a look at its members. A
 * name has other spellings than that of JSON.stringify, and in all of them are escapes that few texts have.
 */
export function createNameSearch(names: readonly string[]): (text: string) => boolean {
  const spellings = [...names.map((name) => JSON.stringify(name)), '\\u', '\\/'];
  return (text) => spellings.some((spelling) => text.includes(spelling));
}

/** Whether an object is written `{"a": 1}` rather than `{"a":1}`, told by its first member. */
export function hasSpaces(text: string): boolean {
  const keyStart = skipSpace(text, skipSpace(text, 0) + 1);
  if (text.charCodeAt(keyStart) !== quote) return false;
  const colonAt = skipSpace(text, findStringEnd(text, keyStart));
  return text.charCodeAt(colonAt + 1) <= 0x20;
}

/** The text of the value, which it begins with, without white space outside of strings. */
export function compactValue(text: string): string {
  const first = text.charCodeAt(0);
  if (first !== openBrace && first !== openBracket) return text;
  let compact = '';
  for (let at = skipSpace(text, 0); at < text.length; ) {
    const end = findTokenEnd(text, at);
    compact += text.slice(at, end);
    at = skipSpace(text, end);
  }
  return compact;
}

/** A string as it is, anything else as it is written. The last of doubled keys counts, as for JSON.parse. */
export function textOfField(value: unknown, text: string, name: string): string {
  if (typeof value === 'string') return value;
  const start = typeof value === 'object' ? undefined : findOnlyValue(text, name);
  if (start !== undefined) return text.slice(start, findScalarEnd(text, start));
  const member = findMembers(text).findLast((candidate) => candidate.name === name);
  return member ? compactValue(text.slice(member.valueStart, member.valueEnd)) : '';
}

/**
 * Where the value of a member starts whose name stands in the text but once: it is found without a look at the others.
 * Undefined also where the text has escapes in which a name may be spelled otherwise (see `createNameSearch`).
 */
function findOnlyValue(text: string, name: string): number | undefined {
  const spelling = JSON.stringify(name);
  const at = text.indexOf(spelling);
  const isOnly = at !== -1 && text.indexOf(spelling, at + 1) === -1;
  if (!isOnly || text.includes('\\u') || text.includes('\\/')) return undefined;
  return skipSpace(text, skipSpace(text, at + spelling.length) + 1);
}

/** The value on lines of its own, two spaces deeper at each level; empty objects and lists stay closed up. */
export function layOutValue(text: string, margin: string): string {
  const first = text.charCodeAt(0);
  if (first !== openBrace && first !== openBracket) return text;
  let laidOut = '';
  let depth = 0;
  let previous = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    const end = findTokenEnd(text, at);
    if (isClosing(code)) depth -= 1;
    const isEmpty = isClosing(code) && isOpening(previous);
    if (previous === comma || (isOpening(previous) && !isEmpty) || (isClosing(code) && !isEmpty)) {
      laidOut += `\n${margin}${'  '.repeat(depth)}`;
    }
    laidOut += code === colon ? ': ' : text.slice(at, end);
    if (isOpening(code)) depth += 1;
    previous = code;
    at = skipSpace(text, end);
  }
  return laidOut;
}

function isOpening(code: number): boolean {
  return code === openBrace || code === openBracket;
}

function isClosing(code: number): boolean {
  return code === closeBrace || code === closeBracket;
}

function readKey(text: string, start: number, end: number): string {
  const written = text.slice(start + 1, end - 1);
  return written.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : written;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

/** A token is a string, a number, a word, or one of `{}[],:`. */
function findTokenEnd(text: string, start: number): number {
  const code = text.charCodeAt(start);
  if (code === quote) return findStringEnd(text, start);
  if (isOpening(code) || isClosing(code) || code === comma || code === colon) return start + 1;
  return findScalarEnd(text, start);
}

function findScalarEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code === comma || isClosing(code) || Number.isNaN(code)) return at;
    at += 1;
  }
}

function findStringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === backslash) first -= 1;
  return (at - first) % 2 === 1;
}

function findValueEnd(text: string, start: number): number {
  let at = start;
  let depth = 0;
  do {
    const code = text.charCodeAt(at);
    if (isOpening(code)) depth += 1;
    else if (isClosing(code)) depth -= 1;
    at = findTokenEnd(text, at);
    if (depth > 0) at = skipSpace(text, at);
  } while (depth > 0);
  return at;
}
