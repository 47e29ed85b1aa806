/** Numbers and times as a report words them. */
import { formatCount } from '../words/counts.ts';

/** `0.4 ms`, `850 ms`, `1.3 s`, `4.2 min`, `3.1 h`, `2.5 days`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${shorten(ms)} ms`;
  if (ms < 60_000) return `${shorten(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${shorten(ms / 60_000)} min`;
  if (ms < 48 * 3_600_000) return `${shorten(ms / 3_600_000)} h`;
  return `${shorten(ms / 86_400_000)} days`;
}

/** `950`, `1.2k`, `3.4M`: where there is little room. */
export function formatRough(value: number): string {
  if (value < 1_000) return shorten(value);
  return value < 1_000_000 ? `${shorten(value / 1_000)}k` : `${shorten(value / 1_000_000)}M`;
}

/** Two digits are enough to say how large it is. */
function shorten(value: number): string {
  return value >= 9.95 ? formatCount(Math.round(value)) : String(Math.round(value * 10) / 10);
}

/** `22 Nov 2026, 18:21 UTC` */
export function formatMoment(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const [, day, month, year] = date.toUTCString().split(/[ ,]+/);
  return `${Number(day)} ${month} ${year}, ${date.toISOString().slice(11, 16)} UTC`;
}

/** `98.2 %`; never 100 or 0 for what is not. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  const percent = (100 * part) / whole;
  return part === whole ? '100 %' : `${Math.min(99.9, Math.max(0.1, Math.round(percent * 10) / 10))} %`;
}
