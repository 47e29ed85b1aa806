/** Parsers for what stands behind a flag. */
import { InvalidArgumentError } from 'commander';
import { isServerName } from '../../core/names.ts';

/** A parser for a text that must say something. */
export function parseText(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It must not be empty.');
}

/** What a server may be called: nothing that an address could be, nor the word for rehearsals. */
export function parseServerName(text: string): string {
  if (isServerName(text)) return text;
  throw new InvalidArgumentError(
    'It must be letters, digits, ".", "_" and "-", at most 100, and not "sandbox".',
  );
}

/** A parser for a flag that takes some of these words: several of them, with commas, or given again. */
export function collectWords<Word extends string>(
  words: readonly Word[],
): (text: string, before?: readonly Word[]) => Word[] {
  return (text, before = []) => {
    const given = text.split(',').map((word) => word.trim());
    const unknown = given.find((word) => !words.includes(word as Word));
    if (unknown === undefined) return [...before, ...(given as Word[])];
    throw new InvalidArgumentError(`Allowed choices are ${words.join(', ')}.`);
  };
}

/** A parser for a flag that takes names of providers: several of them, with commas, or given again. */
export const collectProviders = collectIds;

/** A parser for a flag whose texts add up when it is given again. */
export function collectTexts(text: string, before: readonly string[] = []): string[] {
  return [...before, parseText(text)];
}

/** A parser for a flag that takes ids: several of them, with commas, or given again. */
export function collectIds(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').map((id) => parseText(id).trim())];
}

/** A parser for whole numbers in a range. */
export function parseWhole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^-?\d+$/.test(text) && number >= least && number <= most) return number;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** An amount of money above 0. */
export function parseDollars(text: string): number {
  const dollars = Number(text);
  if (/^\d*\.?\d+$/.test(text) && dollars > 0) return dollars;
  throw new InvalidArgumentError('It must be a number above 0, such as 2.50.');
}

/** A parser for numbers, with a fraction or without. */
export function parseNumber(text: string): number {
  if (/^-?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) && Number.isFinite(Number(text))) return Number(text);
  throw new InvalidArgumentError('It must be a number.');
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;

/** A time span above 0 as milliseconds: `90` and `90s` are seconds, `30m`, `2h` and `1d` what they say. */
export function parseDuration(text: string): number {
  const [, digits, unit = 's'] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(text) ?? [];
  const milliseconds = Math.round(Number(digits) * unitMs[unit as Unit]);
  if (milliseconds > 0 && Number.isFinite(milliseconds)) return milliseconds;
  throw new InvalidArgumentError('It must be a time span above 0, such as 90 (seconds), 30m, 2h or 1d.');
}

/** A time span as `parseDuration` takes it, in the largest unit that needs no fraction: `90s`, `2h`. */
export function formatTimeSpan(milliseconds: number): string {
  const unit = (['d', 'h', 'm'] as const).find((name) => milliseconds % unitMs[name] === 0) ?? 's';
  return `${milliseconds / unitMs[unit]}${unit}`;
}
