/** `loom cache`: what the cache holds, and what of it goes. */

import {
  type CacheCount,
  type CacheEvent,
  type CacheStatistics,
  clearCache as clearEntries,
  measureCache,
} from '../../api/cache.ts';
import { locateHome } from '../../api/options/reach.ts';
import type { CacheClearDocument, CacheStatsDocument } from '../../core/documents/documents.ts';
import { formatTimeSpan } from '../flags/flag-values.ts';
import type { CacheClearOptions, CacheStatsOptions, CommandContext } from '../options/options.ts';
import { placeOf } from '../options/reach.ts';
import { askFor } from '../terminal/questions.ts';
import { printTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countOf, formatBytes, formatCount } from '../words/counts.ts';

export async function showCache(options: CacheStatsOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const place = placeOf(options, context);
  const folder = locateHome(place).cache;
  const document = context.document.begin<CacheStatsDocument>({
    command: 'cache stats',
    folder,
    entries: 0,
    bytes: 0,
    damaged: 0,
    files: 0,
    packs: 0,
    groups: [],
  });
  const statistics = await measureCache({ ...place, onEvent: tellProgress(terminal) });
  if (!statistics) {
    terminal.printResult(`No cached responses: there is no folder ${folder}.`);
    return 0;
  }
  Object.assign(document, documentStatistics(statistics));
  const { entries, bytes, damaged, files, packs } = statistics;
  terminal.printResult(`${countOf(entries, 'cached response')} in ${folder}: ${formatBytes(bytes)}.`);
  if (packs > 0)
    terminal.printResult(
      `Files: ${formatCount(files)}, packs of many responses among them: ${formatCount(packs)}.`,
    );
  if (statistics.groups.length > 0) await printGroups(statistics, terminal);
  if (damaged > 0) {
    terminal.printResult(`${formatCount(damaged)} of them can't be read; their prompts are asked again.`);
  }
  return 0;
}

export async function clearCache(options: CacheClearOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { provider, model, olderThan, yes } = options;
  const place = placeOf(options, context);
  const folder = locateHome(place).cache;
  const document = context.document.begin<CacheClearDocument>({
    command: 'cache clear',
    folder,
    entries: 0,
    files: 0,
    removed: 0,
    removed_entries: 0,
  });
  const filter = describeFilter(options);
  const { isThere, entries, matching, files, removed, removedEntries } = await clearEntries({
    ...place,
    provider,
    model,
    createdBefore: olderThan === undefined ? undefined : new Date(Date.now() - olderThan),
    async confirm(count) {
      Object.assign(document, { entries: count.entries, files: count.files });
      return yes || mayClear(count, filter, folder, terminal);
    },
    onEvent: tellProgress(terminal),
  });
  Object.assign(document, { entries, files, removed: removed ?? 0, removed_entries: removedEntries ?? 0 });
  if (!isThere) terminal.print('No cache directory exists yet — nothing to clear.');
  else if (entries === 0) terminal.print('Cache is already empty.');
  else if (matching === 0)
    terminal.print(`Nothing to clear: none of ${entries} cached responses is ${filter}.`);
  else if (removed !== undefined) {
    const of = filter === undefined ? '' : ` of ${files}`;
    terminal.print(`Cache cleared. Removed ${removed}${of} files.`);
    if (removedEntries !== removed)
      terminal.print(`${removedEntries} of ${entries} cached responses were deleted.`);
  }
  return 0;
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
function tellProgress(terminal: Terminal): (event: CacheEvent) => void {
  let toldAt = Date.now();
  return ({ entries }) => {
    if (Date.now() - toldAt < tellEveryMs) return;
    toldAt = Date.now();
    terminal.note(`Going through the cache: ${formatCount(entries)} responses so far.`);
  };
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

async function printGroups({ groups }: CacheStatistics, terminal: Terminal): Promise<void> {
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
      { ...column('oldest', ({ oldest }) => isoTime(oldest)), worth: 2 },
      { ...column('newest', ({ newest }) => isoTime(newest)), worth: 1 },
    ],
    terminal,
  );
}

function documentStatistics({ groups, ...totals }: CacheStatistics) {
  const told = groups.map((group) => ({
    ...group,
    oldest: isoTime(group.oldest),
    newest: isoTime(group.newest),
  }));
  return { ...totals, groups: told };
}
