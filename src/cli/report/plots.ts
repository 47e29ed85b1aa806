/** Histograms as inline SVG. */
import { bucketStart, estimateQuantile, type Histogram } from '../../core/log-histogram.ts';
import { countOf } from '../words/counts.ts';
import { chooseTop, listTicks } from './axis.ts';
import { type Html, html } from './html.ts';
import { formatRough } from './words.ts';

const width = 360;
const height = 180;
const floor = 150;
const ceiling = 12;
/** Room for the numbers along both ends. */
const left = 40;
const right = 346;

export interface Plot {
  readonly title: string;
  /** What is counted: `answer`, `call`, `batch`. */
  readonly noun: string;
  readonly histogram: Histogram;
  /** A value in words: `1.2 s`. */
  format(value: number): string;
}

/** A figure with its numbers in words below it. */
export function drawPlot(plot: Plot): Html {
  const { title, noun, histogram, format } = plot;
  const { counts, min, max } = histogram;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const median = format(estimateQuantile(histogram, 0.5));
  const slow = format(estimateQuantile(histogram, 0.95));
  const summary = `${countOf(total, noun)}: from ${format(min)} to ${format(max)}, half of them up to about ${median}, 95 % up to about ${slow}.`;
  return html`<figure class="plot"><h3>${title}</h3>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${`${title}. ${summary}`}">${drawBars(plot)}</svg>
<figcaption>${summary}</figcaption></figure>`;
}

function drawBars({ histogram: { counts }, noun, format }: Plot): Html[] {
  const first = Math.max(0, counts.findIndex((count) => count > 0) - 1);
  // A few buckets alone would be bars as wide as the plot.
  const shown = Math.max(counts.length - first + 1, 12);
  const step = (right - left) / shown;
  const top = chooseTop(Math.max(...counts));
  const bars = counts.slice(first).flatMap((count, offset) => {
    if (count === 0) return [];
    const from = bucketStart(first + offset);
    const to = bucketStart(first + offset + 1);
    const size = Math.max(2, ((floor - ceiling) * count) / top);
    const range = `${format(from)} to ${format(to)}: ${countOf(count, noun)}`;
    return [
      html`<rect class="bar" x="${round(left + offset * step + step * 0.08)}" y="${round(floor - size)}" width="${round(step * 0.84)}" height="${round(size)}" rx="1.5"><title>${range}</title></rect>`,
    ];
  });
  const marks = chooseMarks(first, shown, format).map((bucket) => {
    const x = round(left + (bucket - first) * step);
    const anchor = x > right - 12 ? 'end' : 'middle';
    return html`<line class="tick" x1="${x}" x2="${x}" y1="${floor}" y2="${floor + 5}"/><text class="mark" x="${x}" y="${floor + 22}" text-anchor="${anchor}">${format(markValue(bucket))}</text>`;
  });
  return [
    ...drawCounts(top),
    ...bars,
    html`<line class="axis" x1="${left}" x2="${right}" y1="${floor}" y2="${floor}"/>`,
    ...marks,
  ];
}

/** How many the bars stand for, on the left. */
function drawCounts(top: number): Html[] {
  return listTicks(top).map((tick) => {
    const y = round(floor - ((floor - ceiling) * tick) / top);
    const line =
      tick === 0 ? undefined : html`<line class="tick" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/>`;
    return html`${line}<text class="mark" x="${left - 6}" y="${y + 4}" text-anchor="end">${formatRough(tick)}</text>`;
  });
}

/** The bucket of a decade → the digit that its start is near. */
const markDigits: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [3, 2],
  [7, 5],
]);

function markValue(bucket: number): number {
  return (markDigits.get(bucket % 10) ?? 1) * 10 ** Math.floor(bucket / 10);
}

/** What a character of a mark takes, with the larger letters of a small screen. */
const markCharacter = 10;

/** Buckets that begin at 1, 2 or 5 times a power of ten; at the powers alone where there is no room for so many. */
function chooseMarks(first: number, shown: number, format: Plot['format']): number[] {
  const buckets = Array.from({ length: shown + 1 }, (_, offset) => first + offset);
  const marks = buckets.filter((bucket) => markDigits.has(bucket % 10));
  const longest = Math.max(...marks.map((bucket) => format(markValue(bucket)).length));
  const room = Math.floor((right - left) / ((longest + 1) * markCharacter));
  return marks.length <= room ? marks : marks.filter((bucket) => bucket % 10 === 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
