/** What is shown while batches are waited for: on a terminal a line for each, elsewhere a sign of life now and then. */
import type { Watch } from '../../api/fetch-batches.ts';
import type { ListedBatch } from '../../api/list-batches.ts';
import { formatElapsed } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countDone } from '../words/counts.ts';

export interface WaitView {
  update(watch: Watch): void;
  /** Leaves nothing on the screen. Call it however the wait ends. */
  stop(): void;
}

const redrawMs = 1_000;
/** CI services take a job that is silent for ten minutes for dead. */
const signOfLifeMs = 5 * 60_000;

/** `goOn` is the command that takes the wait up again. */
export function startWaitView(terminal: Terminal, goOn: string): WaitView {
  let watch: Watch = { batches: [], pending: 0, total: 0 };
  const drawn = terminal.drawsBars;
  if (drawn) terminal.pin((room) => describeWatch(watch, room, goOn, Date.now()));
  const timer = drawn
    ? setInterval(() => terminal.redrawPinned(), redrawMs)
    : setInterval(() => terminal.note(describePending(watch)), signOfLifeMs);
  timer.unref();
  return {
    update(next) {
      watch = next;
      terminal.redrawPinned();
    },
    stop() {
      clearInterval(timer);
      if (drawn) terminal.unpin();
    },
  };
}

/** `Waiting: 2 of 3 batches are pending.` */
function describePending({ pending, total }: Watch): string {
  return `Waiting: ${nameCount(pending, total)} pending.`;
}

/** `2 of 3 batches are` */
export function nameCount(pending: number, total: number): string {
  return `${pending} of ${total} ${total === 1 ? 'batch' : 'batches'} ${pending === 1 ? 'is' : 'are'}`;
}

/** A line for each batch, as many as fit, and one for all. */
export function describeWatch(
  watch: Watch,
  { columns, rows }: { readonly columns: number; readonly rows: number },
  goOn: string,
  now: number,
): string[] {
  if (watch.batches.length === 0) return [];
  // One row for the cursor, one for the last line, and one to leave something of what came before.
  const room = Math.max(1, rows - 3);
  const isCrowded = watch.batches.length > room;
  const shown = isCrowded ? watch.batches.slice(0, Math.max(1, room - 1)) : watch.batches;
  // The last column stays free: some terminals begin a new line once it is written.
  const width = columns - 1;
  const lines = fitBatches(shown, width, now);
  const rest = isCrowded ? [sumUp(watch.batches.slice(shown.length))] : [];
  const pending = describePending(watch);
  // The end of the wait tells how to go on, too.
  const last = [
    `${pending} Ctrl+C ends the wait; ${goOn} goes on from there.`,
    `${pending} Ctrl+C ends the wait.`,
  ];
  return [...lines, ...rest, last.find((line) => line.length <= width) ?? pending].map((line) =>
    cut(line, width),
  );
}

/** What is left out where there is no room, one after the other: at 80 columns no id is cut. */
const dispensable = ['elapsed', 'failed', 'count'] as const;

function fitBatches(batches: readonly ListedBatch[], width: number, now: number): string[] {
  const cells = batches.map((batch) => describeBatch(batch, now));
  const shorter = [0, 1, 2, 3].map((number) => {
    const left = new Set<string>(dispensable.slice(0, number));
    return alignCells(
      cells.map((row) =>
        Object.entries(row)
          .filter(([name]) => !left.has(name))
          .map(([, cell]) => cell),
      ),
    );
  });
  const fitting = shorter.find((lines) => lines.every((line) => line.length <= width));
  return fitting ?? shorter.at(-1) ?? [];
}

/** Status, rows done of all, rows failed, time since the submission, id: what may be cut stands last. */
function describeBatch(batch: ListedBatch, now: number) {
  const { status, counts, isStuck } = batch;
  return {
    status: isStuck ? `${status} (stuck)` : status,
    count: counts?.total === undefined ? '' : countDone(counts),
    failed: counts?.failed ? `${counts.failed} failed` : '',
    elapsed: formatElapsed(Math.max(0, now - Date.parse(batch.createdAt)) / 1_000),
    id: batch.batchId ?? `${batch.jobId}/${batch.part}`,
  };
}

function alignCells(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .filter((cell) => cell !== '')
      .join('  ')
      .trimEnd(),
  );
}

/** `… and 12 more: 10 in_progress, 2 validating` */
function sumUp(batches: readonly ListedBatch[]): string {
  const counts = new Map<string, number>();
  for (const { status } of batches) counts.set(status, (counts.get(status) ?? 0) + 1);
  const groups = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  return `… and ${batches.length} more: ${groups}`;
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
