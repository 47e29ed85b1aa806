/** The flags of `loom keys`. */
import { Argument, type Command } from 'commander';

/** The group of commands; it has no action of its own. */
export function addKeys(program: Command): Command {
  const keys = program
    .command('keys')
    .description('Keep the keys of providers, so that none need be exported.')
    .addHelpText('after', '\nExample:\n  loom keys set openai');
  keys.allowExcessArguments().action(() => {
    const [word] = keys.args;
    if (word === undefined) keys.outputHelp();
    else keys.error(`error: unknown command '${word}'`);
  });
  return keys;
}

export function addKeysSet(keys: Command): Command {
  const set = keys
    .command('set')
    .description(
      'Keep a key in ~/.loom/keys.json, which only you can read: typed at a terminal, where it is not shown, or through stdin.',
    )
    .addArgument(providerArgument())
    .addHelpText('after', '\nExamples:\n  loom keys set openai\n  loom keys set openai < key.txt');
  // What came too much is most likely the key, and none of it is told.
  return set.allowExcessArguments().hook('preAction', () => {
    if (set.args.length > 1)
      set.error(
        'error: a key is no argument: it would stay in the history of your shell. Leave it out: it is asked for, or taken from stdin.',
      );
  });
}

export function addKeysList(keys: Command): Command {
  return keys
    .command('list')
    .description('List where the key of each provider comes from, and how it ends.')
    .addHelpText('after', '\nExample:\n  loom keys list');
}

export function addKeysRm(keys: Command): Command {
  return keys
    .command('rm')
    .description('Remove the key that is kept for a provider.')
    .addArgument(providerArgument())
    .addHelpText('after', '\nExample:\n  loom keys rm openai');
}

function providerArgument(): Argument {
  return new Argument('<provider>', 'Whose key it is.');
}
