/**
 * The fields that an answer is to have, as people write them: `sentiment: positive|negative, score?: integer - from 1 to
 * 5`. Fields stand on lines of their own or between commas.
 */
import { LoomError } from '../../core/errors.ts';
import { findClosestName, quoteValue } from '../../core/words.ts';

/** A part of each answer that becomes a column. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Several values, of that type each. */
  readonly isList: boolean;
  /** Whether an answer may go without it. */
  readonly isOptional: boolean;
  /** What the model is told of it. */
  readonly description: string | undefined;
}

export type FieldType = PlainType | { readonly labels: readonly string[] };

const plainTypes = ['string', 'integer', 'number', 'boolean'] as const;
type PlainType = (typeof plainTypes)[number];

/** What people call the types elsewhere. */
const otherNames: Readonly<Record<string, PlainType>> = {
  str: 'string',
  text: 'string',
  int: 'integer',
  float: 'number',
  double: 'number',
  decimal: 'number',
  bool: 'boolean',
};

/** LoomError `usage` for what can't be read so, with the part that is wrong. */
export function parseFields(spec: string): readonly Field[] {
  const fields = splitSpec(spec).map(parseField);
  if (fields.length === 0) throw broken('there is no field in it');
  const names = new Set<string>();
  for (const { name } of fields) {
    if (names.has(name)) throw broken(`the field ${quoteValue(name)} is in it twice`);
    names.add(name);
  }
  return fields;
}

const fieldName = /^[\p{L}_][\p{L}\p{N}_-]*$/u;
/** Editors make longer dashes of a hyphen. */
const dash = /\s[-–—]\s/;
/** A comma ahead of what reads like another field. */
const nextField = /,(?=\s*[\p{L}_][\p{L}\p{N}_-]*\s*(?:[?:,]|$|[-–—]\s))/u;

/** The text of each field. With a line for each, a description has the rest of its line, commas and all. */
function splitSpec(spec: string): string[] {
  const lines = spec.split(/\r?\n/).filter((line) => line.trim() !== '');
  const pieces = lines.flatMap((line) => {
    const described = line.search(dash);
    if (described === -1) return line.split(',');
    if (lines.length === 1) return line.split(nextField);
    const ahead = line.slice(0, described).split(',');
    return [...ahead.slice(0, -1), ahead.at(-1) + line.slice(described)];
  });
  return pieces.map((piece) => piece.trim()).filter((piece) => piece !== '');
}

function parseField(text: string): Field {
  const [head = '', ...described] = ` ${text}`.split(dash);
  const description = described.join(' - ').trim() || undefined;
  const colon = head.indexOf(':');
  const named = (colon === -1 ? head : head.slice(0, colon)).trim();
  const isOptional = named.endsWith('?');
  const name = isOptional ? named.slice(0, -1).trim() : named;
  if (!fieldName.test(name)) {
    throw broken(`${quoteValue(name)} is no name of a field`, 'A name has letters, digits, _ and - alone.');
  }
  const type = colon === -1 ? 'string' : head.slice(colon + 1).trim();
  const isList = type.endsWith('[]');
  const single = (isList ? type.slice(0, -2) : type).trim().replace(/^\((.*)\)$/s, '$1');
  return { name, type: parseType(single, name), isList, isOptional, description };
}

function parseType(text: string, field: string): FieldType {
  const plain = plainTypes.find((type) => type === text.toLowerCase());
  if (plain) return plain;
  if (text.includes('|')) return { labels: parseLabels(text, field) };
  const meant = otherNames[text.toLowerCase()] ?? findClosestName(text, plainTypes);
  throw broken(
    `the field ${quoteValue(field)} has the type ${quoteValue(text)}, which there is not`,
    `${meant ? `Did you mean ${meant}? ` : ''}Types are ${plainTypes.join(', ')} and labels (a|b|c), and any of them with [].`,
  );
}

function parseLabels(text: string, field: string): readonly string[] {
  const labels = text.split('|').map((label) => withoutQuotes(label.trim()));
  if (labels.includes('')) throw broken(`a label of the field ${quoteValue(field)} is empty`);
  const repeated = labels.find((label, index) => labels.indexOf(label) !== index);
  if (repeated === undefined) return labels;
  throw broken(`the field ${quoteValue(field)} has the label ${quoteValue(repeated)} twice`);
}

function withoutQuotes(text: string): string {
  return /^(["']).*\1$/.test(text) && text.length > 2 ? text.slice(1, -1) : text;
}

function broken(problem: string, hint = 'Write them as in: sentiment: positive|negative, score?: integer') {
  return new LoomError('usage', `fields can't be read: ${problem}.`, {
    code: 'fields_broken',
    facts: { problem },
    hint,
  });
}
