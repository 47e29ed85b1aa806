/**
 * What stands around an answer: servers put it one object deeper than their model has it, or two, or write it as a text
 * of JSON. It counts by what it holds, live and on a line of results; whoever looks for it says what it has.
 * test/providers/protocol/wrappings.test.ts holds this at every provider.
 */
import { type AnswerFacts, isJsonObject, type RowResult } from '../../core/models.ts';
import { readJson } from '../../core/nesting.ts';
import { asCount, asObject, type WireObject } from '../network/wire.ts';
import { unreadableAnswer } from './refusal.ts';

/** Where servers put an answer. */
const places = [
  ...['response', 'body', 'result', 'message', 'data', 'output', 'answer', 'completion'],
  ...['job', 'batch', 'file'],
];
const mostLevels = 4;

/** The object that has what is looked for: the value itself, or what stands in it, a few levels deep. */
export function findHeld(
  value: unknown,
  holds: (object: WireObject) => boolean,
  levels = mostLevels,
): WireObject | undefined {
  const object = openObject(value);
  if (holds(object)) return object;
  if (levels === 0) return undefined;
  for (const place of places) {
    const found = place in object ? findHeld(object[place], holds, levels - 1) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** An object, also one that is written as a text, or is alone in a list; undefined for anything else. */
export function findObject(value: unknown): WireObject | undefined {
  if (typeof value === 'string') return /^\s*["[{]/.test(value) ? findObject(readJson(value)) : undefined;
  const single: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return isJsonObject(single) ? single : undefined;
}

/** The same, with an empty one for anything else. */
export function openObject(value: unknown): WireObject {
  return asObject(findObject(value));
}

/** Whether a member says something: `null`, nothing, and lists and objects of nothing else do not. */
export function saysSomething(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0) return false;
  if (typeof value === 'string') return !/^\s*(?:null|none)?\s*$/i.test(value);
  return typeof value !== 'object' || Object.values(value).some(saysSomething);
}

/** Makes the result of a row without a usable answer; what was answered all the same is kept. */
export function failRow(customId: string, facts: AnswerFacts) {
  return (kind: string, message: string, answered?: string): RowResult => ({
    customId,
    outcome: 'failed',
    error: { kind, message },
    ...(answered && { text: answered }),
    ...facts,
  });
}

/** An error that came in place of an answer, as an object. */
export function errorObject(found: unknown): WireObject {
  return typeof found === 'string' ? { message: found } : asObject(found);
}

/** A number that an answer is about, by its name. ProviderError `unreadable` where it is nowhere. */
export function requireCount(answer: unknown, name: string): number {
  const count = asCount(findHeld(answer, (object) => asCount(object[name]) !== undefined)?.[name]);
  if (count === undefined) throw unreadableAnswer(`it has no ${name}`);
  return count;
}
