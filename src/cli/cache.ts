/** `loom cache clear`. */
import type { CacheClearDocument } from '../documents.ts';
import { LoomError } from '../errors.ts';
import { countCacheEntries, clearCache as deleteEntries } from '../utils/cache.ts';
import type { CacheClearOptions, CommandContext } from './options.ts';
import { openHome } from './reach.ts';

export async function clearCache(options: CacheClearOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const folder = openHome(options, context).cache;
  const document = context.document.begin<CacheClearDocument>({ command: 'cache clear', folder, removed: 0 });
  const entries = await countCacheEntries(folder);
  if (entries === undefined) {
    terminal.print('No cache directory exists yet — nothing to clear.');
    return 0;
  }
  if (entries === 0) {
    terminal.print('Cache is already empty.');
    return 0;
  }
  if (!options.yes && !(await mayClear(entries, folder, terminal))) return 0;
  document.removed = await deleteEntries(folder);
  terminal.print(`Cache cleared. Removed ${document.removed} files.`);
  return 0;
}

async function mayClear(
  entries: number,
  folder: string,
  terminal: CommandContext['terminal'],
): Promise<boolean> {
  if (!terminal.canAsk) {
    const what = `${entries} cached responses in ${folder} were not deleted: there is no terminal to ask on.`;
    throw new LoomError('state', what, { hint: 'Pass --yes to delete them.' });
  }
  const answer = await terminal.confirm(`Delete ${entries} cached responses from ${folder}?`);
  if (answer === 'no') terminal.note('Aborted.');
  return answer === 'yes';
}
