/**
 * The history under `history/`: a small file for each output that was written, with what the output itself does not
 * tell. It is found by the path of the output, and by the ids of the batches that it came from.
 */

import { createHash } from 'node:crypto';
import { histogramShape } from '../core/log-histogram.ts';
import {
  columnNamesShape,
  datasetShape,
  failureGroupShape,
  generationSettingsShape,
} from '../core/models.ts';
import { providerNamePattern } from '../core/names.ts';
import { readJson } from '../core/nesting.ts';
import { likelyNames } from '../core/own-names.ts';
import {
  arrayOf,
  boolean,
  nullable,
  number,
  object,
  oneOf,
  optional,
  readShape,
  string,
  stringLike,
  type ValueOf,
} from '../core/shapes/shapes.ts';
import { observeFile } from '../storage/file-identity.ts';
import type { LoomHome } from '../storage/home.ts';
import type { Store } from '../storage/store.ts';

/** The version of the format that this program writes, and the only one that it reads. */
export const historyVersion = 1;

const historyEntryShape = object({
  version: oneOf([historyVersion]),
  /** With links resolved. */
  output_path: string,
  /** By these it is known whether the output is still the one that was written. */
  output_bytes: number,
  output_mtime_ms: number,
  /** Null where it came through stdin. */
  input_path: nullable(string),
  /** Its format is that of both; the output may have any name. */
  ...datasetShape,
  provider: stringLike(providerNamePattern),
  model: string,
  mode: oneOf(['live', 'batch']),
  sandbox: boolean,
  columns: optional(columnNamesShape),
  /** How to generate; absent when nothing was set, and in entries of older versions. */
  params: optional(generationSettingsShape),
  job_id: optional(string),
  batch_ids: arrayOf(string),
  /** When the run began, and when its output was written; ISO 8601. */
  created_at: string,
  ended_at: string,
  rows: number,
  answered: number,
  blank_rows: number,
  failed: number,
  cached_rows: number,
  failures: arrayOf(failureGroupShape),
  /** Of the answers that were paid for; absent where the provider told none. */
  input_tokens: optional(number),
  output_tokens: optional(number),
  /** US dollars, at the prices of that day; absent where they are not known. */
  cost: optional(number),
  /** Milliseconds: of each live call, or from the submission of each batch until it was fetched. */
  latencies: optional(histogramShape),
});
export type HistoryEntry = ValueOf<typeof historyEntryShape>;

/** An entry, before its output is looked at. */
export type HistoryFacts = Omit<HistoryEntry, 'version' | 'output_path' | 'output_bytes' | 'output_mtime_ms'>;

/** The name of the entry of an output; `outputPath` has its links resolved. */
function entryName(outputPath: string): string {
  return `${createHash('sha256').update(outputPath).digest('hex').slice(0, 32)}.json`;
}

/** Notes what is known of an output that was just written. Throws where the disk refuses, or the work is another's by now. */
export async function saveHistory(home: LoomHome, outputPath: string, facts: HistoryFacts): Promise<void> {
  const { path, size, mtimeMs } = await observeFile(outputPath);
  const entry: HistoryEntry = {
    version: historyVersion,
    output_path: path,
    output_bytes: size,
    output_mtime_ms: mtimeMs,
    ...facts,
  };
  // It can be had without: not worth a flush.
  const options = { flush: false, onComplete: home.ensureHeld };
  await home.history.write(entryName(path), `${JSON.stringify(entry)}\n`, options);
}

/** What is known of an output; undefined when nothing is, or the file is not the one that was written. */
export async function loadHistory(history: Store, outputPath: string): Promise<HistoryEntry | undefined> {
  const file = await observeFile(outputPath).catch(() => undefined);
  const entry = file && (await readEntry(history, entryName(file.path)));
  const isUnchanged = entry?.output_bytes === file?.size && entry?.output_mtime_ms === file?.mtimeMs;
  return isUnchanged ? entry : undefined;
}

/** The entry of the output that came from a batch or job, the newest if there are several. */
export async function findHistory(history: Store, id: string): Promise<HistoryEntry | undefined> {
  let newest: HistoryEntry | undefined;
  for (const name of await history.list('').catch(() => [])) {
    const entry = likelyNames.historyEntry.test(name) ? await readEntry(history, name) : undefined;
    if (!entry || (entry.job_id !== id && !entry.batch_ids.includes(id))) continue;
    if (!newest || entry.ended_at > newest.ended_at) newest = entry;
  }
  return newest;
}

/** Whether there is an output of a provider, as far as is known. */
export async function hasOutputOf(history: Store, provider: string): Promise<boolean> {
  for (const name of await history.list('').catch(() => [])) {
    const entry = likelyNames.historyEntry.test(name) ? await readEntry(history, name) : undefined;
    if (entry?.provider === provider) return true;
  }
  return false;
}

/** A damaged entry is as good as none. */
export async function readEntry(history: Store, name: string): Promise<HistoryEntry | undefined> {
  const text = await history.read(name).catch(() => undefined);
  return readShape(historyEntryShape, readJson(text ?? ''));
}
