/** The flags of `loom cache`. */
import type { Command } from 'commander';
import { parseDuration, parseText } from '../flags/flag-values.ts';
import { cacheDirFlag, sandboxFlag } from '../flags/shared-flags.ts';

/** The group of commands; it has no action of its own. */
export function addCache(program: Command): Command {
  const cache = program
    .command('cache')
    .description('Manage the response cache.')
    .addHelpText('after', '\nExample:\n  loom cache clear');
  cache.allowExcessArguments().action(() => {
    const [word] = cache.args;
    if (word === undefined) cache.outputHelp();
    else cache.error(`error: unknown command '${word}'`);
  });
  return cache;
}

export function addCacheStats(cache: Command): Command {
  return cache
    .command('stats')
    .description(
      'Show how many responses are cached, of which models, in how many files, and how much room they take.',
    )
    .addOption(cacheDirFlag())
    .addOption(sandboxFlag())
    .addHelpText('after', '\nExample:\n  loom cache stats');
}

export function addCacheClear(cache: Command): Command {
  return cache
    .command('clear')
    .description('Delete cached responses: all, or those that match every filter.')
    .option('--older-than <span>', 'Only responses older than this: 30d, 12h, 90m.', parseDuration)
    .option('-p, --provider <name>', 'Only those of this provider.', parseText)
    .option('-m, --model <id>', 'Only those of this model.', parseText)
    .option('-y, --yes', 'Do not ask.', false)
    .addOption(cacheDirFlag())
    .addOption(sandboxFlag())
    .addHelpText(
      'after',
      '\nMany responses may be in one file, a pack: the question counts responses, the\nlast line files.\n\nExamples:\n  loom cache clear --yes\n  loom cache clear --older-than 30d --provider openai',
    );
}
