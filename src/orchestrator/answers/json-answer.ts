/**
 * The JSON in an answer: the whole of it, or what stands in a code fence or between sentences. Models add these however
 * they are asked not to, and the answer is paid for.
 */
import { readJson } from '../../core/nesting.ts';

/** JSON, as it stands in an answer. */
export interface JsonPiece {
  readonly text: string;
  readonly value: unknown;
}

/**
 * What of an answer is JSON, as people would read it: the answer whole, else each of its code fences, else each object
 * and list in it. What a model thinks aloud ahead of its answer does not count.
 */
export function findJson(answer: string): readonly JsonPiece[] {
  const text = answer.trim().replace(/^\ufeff/, '');
  const whole = parsePiece(answer) ?? parsePiece(text);
  if (whole) return [whole];
  const said = leaveOutThoughts(text);
  const only = parsePiece(said);
  if (only) return [only];
  const fenced = [...readFences(said)];
  return fenced.length > 0 ? fenced : [...readValues(said)];
}

/** `<think>…</think>`, as models that think aloud have it, also where the first mark is left out. */
function leaveOutThoughts(text: string): string {
  const end = /^.*<\/(?:think|thinking|thought|reasoning)>/is.exec(text)?.[0];
  return end === undefined ? text : text.slice(end.length).trim();
}

function* readFences(text: string): Generator<JsonPiece> {
  const marks = [...text.matchAll(/^[ \t>]*(`{3,}|~{3,})[^\n`]*$/gm)];
  for (const [index, mark] of marks.entries()) {
    const start = (mark.index as number) + mark[0].length;
    // The closing mark may be missing at the end of an answer.
    const piece = parsePiece(text.slice(start, marks[index + 1]?.index).trim());
    if (piece) yield piece;
  }
}

/** So many brackets are tried; each may be looked at up to the end of the answer. */
const mostStarts = 200;

function* readValues(text: string): Generator<JsonPiece> {
  let starts = 0;
  for (let at = nextBracket(text, 0); at !== -1 && starts < mostStarts; starts += 1) {
    const end = findEnd(text, at);
    const piece = end === undefined ? undefined : parsePiece(text.slice(at, end));
    if (piece) yield piece;
    at = nextBracket(text, piece && end !== undefined ? end : at + 1);
  }
}

function nextBracket(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (text[at] === '{' || text[at] === '[') return at;
  return -1;
}

/** Where the object or list that begins here ends; undefined for one that has no end. */
function findEnd(text: string, start: number): number | undefined {
  let levels = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at += 1;
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    } else if (character === '{' || character === '[') levels += 1;
    else if (character === '}' || character === ']') {
      levels -= 1;
      if (levels === 0) return at + 1;
    }
  }
  return undefined;
}

function parsePiece(text: string): JsonPiece | undefined {
  const value = readJson(text);
  return value === undefined ? undefined : { text, value };
}
