/** Numbers for people. */
import type { BatchCounts } from '../../core/models.ts';

/** `12,345`, whatever the locale. By hand: Intl takes 15 ms to load, as long as some commands run. */
export function formatCount(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 row`, `12,345 rows`; the plural is the noun with an s, or es, unless it is given. */
export function countOf(
  number: number,
  noun: string,
  plural = `${noun}${noun.endsWith('ch') ? 'es' : 's'}`,
): string {
  return `${formatCount(number)} ${number === 1 ? noun : plural}`;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long something took, roughly: `12 s`, `5 min`, `3 h`, `2 d`; `-` where that is not known. */
export function formatAge(milliseconds: number): string {
  if (Number.isNaN(milliseconds)) return '-';
  const age = Math.max(0, milliseconds);
  if (age < minuteMs) return `${Math.floor(age / 1000)} s`;
  if (age < hourMs) return `${Math.floor(age / minuteMs)} min`;
  if (age < 2 * dayMs) return `${Math.floor(age / hourMs)} h`;
  return `${Math.floor(age / dayMs)} d`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `350 B`, `1.2 kB`, `5.6 MB`: powers of 1000. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(1, bytes)) / 3), byteUnits.length - 1);
  const size = bytes / 1000 ** power;
  return `${power === 0 ? size : size.toFixed(1)} ${byteUnits[power]}`;
}

/** `40/100, 2 failed`: requests that are done, those that failed among them; `?` is what the provider does not tell. */
export function describeProgress(counts: BatchCounts | undefined): string {
  if (!counts) return '-';
  return `${countDone(counts)}${counts.failed ? `, ${counts.failed} failed` : ''}`;
}

/** `40/100`: requests that are done, of all; `?` is what the provider does not tell. */
export function countDone({ total, succeeded, failed }: BatchCounts): string {
  const done = succeeded === undefined && failed === undefined ? '?' : (succeeded ?? 0) + (failed ?? 0);
  return `${done}/${total ?? '?'}`;
}

/** `$1,234.50`, `$0.0123`, `$0.000012`: cents, or as many decimals as it takes to say something. */
export function formatDollars(dollars: number): string {
  const decimals = dollars >= 1 || dollars === 0 ? 2 : 4;
  const digits =
    dollars > 0 && dollars < 0.01
      ? { maximumSignificantDigits: 2 }
      : { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return `$${dollars.toLocaleString('en-US', digits)}`;
}

/** What a count on this machine leaves out; undefined where it has all. */
export function describeUncounted({
  attach,
  messages,
}: {
  readonly attach?: unknown;
  readonly messages?: unknown;
}): string | undefined {
  if (attach === undefined && messages === undefined) return undefined;
  const what = attach === undefined ? 'Pictures in conversations' : 'Files that go with prompts';
  return `${what} are not counted: what a model makes of them differs, and comes on top.`;
}
