/** The flags of `loom cache`. */
import type { Command } from 'commander';
import { cacheDirOption, sandboxOption } from './shared-flags.ts';

/** The group of commands; it has no action of its own. */
export function addCache(program: Command): Command {
  const cache = program.command('cache').description('Manage the response cache.');
  cache.allowExcessArguments().action(() => {
    const [word] = cache.args;
    if (word === undefined) cache.outputHelp();
    else cache.error(`error: unknown command '${word}' of cache. It has: clear.`);
  });
  return cache;
}

export function addCacheClear(cache: Command): Command {
  return cache
    .command('clear')
    .description('Delete every cached response.')
    .option('-y, --yes', 'Do not ask.', false)
    .addOption(cacheDirOption())
    .addOption(sandboxOption())
    .addHelpText('after', '\nExample:\n  loom cache clear --yes');
}
