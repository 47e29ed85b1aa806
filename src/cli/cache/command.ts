/** `loom cache`: what the cache holds, and what of it goes. */

import {
  type CacheCount,
  type CacheScan,
  type CacheStatistics,
  countCacheEntries,
  clearCache as deleteEntries,
  measureCache,
} from '../../cache/cache-entries.ts';
import type { CacheClearDocument, CacheStatsDocument } from '../../core/documents.ts';
import { checkCache } from '../../storage/marks.ts';
import { formatTimeSpan } from '../flags/flag-values.ts';
import type { CacheClearOptions, CacheStatsOptions, CommandContext } from '../options/options.ts';
import { openHome } from '../options/reach.ts';
import { askFor } from '../terminal/questions.ts';
import { printTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatBytes, formatCount } from '../words/counts.ts';

export async function showCache(options: CacheStatsOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const folder = openCacheFolder(options, context);
  const document = context.document.begin<CacheStatsDocument>({
    command: 'cache stats',
    folder,
    entries: 0,
    bytes: 0,
    damaged: 0,
    groups: [],
  });
  const statistics = await measureCache(folder, scanFor(context));
  if (!statistics) {
    terminal.printResult(`No cached responses: there is no folder ${folder}.`);
    return 0;
  }
  Object.assign(document, documentStatistics(statistics));
  const { entries, bytes, damaged } = statistics;
  terminal.printResult(`${countResponses(entries)} in ${folder}: ${formatBytes(bytes)}.`);
  if (statistics.groups.length > 0) await printGroups(statistics, terminal);
  if (damaged > 0) {
    terminal.printResult(
      `${formatCount(damaged)} of them can't be read, and are answered anew when they are asked for.`,
    );
  }
  return 0;
}

export async function clearCache(options: CacheClearOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const folder = openCacheFolder(options, context);
  const document = context.document.begin<CacheClearDocument>({
    command: 'cache clear',
    folder,
    entries: 0,
    removed: 0,
  });
  const filter = describeFilter(options);
  const entriesFor = {
    provider: options.provider,
    model: options.model,
    createdBefore: options.olderThan === undefined ? undefined : new Date(Date.now() - options.olderThan),
  };
  const scan = scanFor(context);
  const count = await countCacheEntries(folder, entriesFor, scan);
  document.entries = count?.entries ?? 0;
  if (!count) {
    terminal.print('No cache directory exists yet — nothing to clear.');
  } else if (count.entries === 0) {
    terminal.print('Cache is already empty.');
  } else if (count.matching === 0) {
    terminal.print(`Nothing to clear: none of ${count.entries} cached responses is ${filter}.`);
  } else if (options.yes || (await mayClear(count, filter, folder, terminal))) {
    document.removed = (await deleteEntries(folder, entriesFor, scan)).matching;
    const of = filter === undefined ? '' : ` of ${count.entries}`;
    terminal.print(`Cache cleared. Removed ${document.removed}${of} files.`);
  }
  return 0;
}

/** LoomError `state` for a folder that is no cache: what is called like an answer there is something else. */
function openCacheFolder(options: CacheStatsOptions, context: CommandContext): string {
  const { cache, chosenBase } = openHome(options, context);
  if (chosenBase !== undefined) checkCache(chosenBase);
  return cache;
}

/** `older than 30d, of openai, of the model m`; undefined for all entries. */
function describeFilter({ olderThan, provider, model }: CacheClearOptions): string | undefined {
  const words = [
    ...(olderThan === undefined ? [] : [`older than ${formatTimeSpan(olderThan)}`]),
    ...(provider === undefined ? [] : [`of ${provider}`]),
    ...(model === undefined ? [] : [`of the model ${model}`]),
  ];
  return words.length === 0 ? undefined : words.join(', ');
}

async function mayClear(
  { entries, matching }: CacheCount,
  filter: string | undefined,
  folder: string,
  terminal: Terminal,
): Promise<boolean> {
  const what = filter
    ? `${matching} of ${entries} cached responses (${filter})`
    : `${entries} cached responses`;
  return askFor(terminal, {
    question: `Delete ${what} from ${folder}?`,
    refusal: `${what} in ${folder} were not deleted: there is no terminal to ask on.`,
    hint: 'Pass --yes to delete them.',
  });
}

const tellEveryMs = 10_000;

/** A large cache takes its time. */
function scanFor({ signal, terminal }: CommandContext): CacheScan {
  let toldAt = Date.now();
  return {
    signal,
    onProgress(entries) {
      if (Date.now() - toldAt < tellEveryMs) return;
      toldAt = Date.now();
      terminal.note(`Going through the cache: ${formatCount(entries)} responses so far.`);
    },
  };
}

function countResponses(entries: number): string {
  return entries === 1 ? '1 cached response' : `${formatCount(entries)} cached responses`;
}

async function printGroups({ groups }: CacheStatistics, terminal: Terminal): Promise<void> {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  const column = (title: string, cellOf: (group: (typeof groups)[number]) => string) => ({
    title,
    cells: groups.map(cellOf),
  });
  await printTable(
    [
      column('provider', ({ provider }) => provider),
      { ...column('model', ({ model }) => model), least: 10 },
      { ...column('entries', ({ entries }) => formatCount(entries)), alignRight: true },
      { ...column('size', ({ bytes }) => formatBytes(bytes)), alignRight: true },
      { ...column('oldest', ({ oldest }) => time(oldest)), worth: 2 },
      { ...column('newest', ({ newest }) => time(newest)), worth: 1 },
    ],
    terminal,
  );
}

function documentStatistics({ groups, ...totals }: CacheStatistics) {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  return {
    ...totals,
    groups: groups.map((group) => ({ ...group, oldest: time(group.oldest), newest: time(group.newest) })),
  };
}
