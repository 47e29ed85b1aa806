/** Mistakes in a command line, told in one way: what is wrong, what was meant, where to see all. */
import type { Command, Option } from 'commander';
import { LoomError } from '../../core/errors.ts';
import { otherProviderNames } from '../../core/names.ts';
import { looksSecret } from '../../core/secret-shapes.ts';
import { findClosestName } from '../../core/words.ts';
import type { CommandContext } from '../options/options.ts';

/** `loom cache clear` */
export function nameCommand(command: Command): string {
  return command.parent ? `${nameCommand(command.parent)} ${command.name()}` : command.name();
}

/** What commander found wrong, as an error of ours. */
export async function describeUsage(
  { message, command }: Misuse,
  context: CommandContext,
): Promise<LoomError> {
  const [first = ''] = message.replace(/^error: /, '').split('\n');
  if (/^required option /.test(first)) return describeMissing(command, context);
  const what = hideValues(first, command);
  const hint = proposeName(what, command);
  return new LoomError('usage', /[.!?]$/.test(what) || !hint ? what : `${what}.`, hint ? { hint } : {});
}

/**
 * What a person mistyped may stand ahead of a key, or be one: the value of a flag that sounds like one of a key is not
 * told, nor any word that looks like a secret.
 */
function hideValues(what: string, command: Command): string {
  const [, flag = '', value = ''] = /^unknown option '(--?[^=']*)=?(.*)'$/s.exec(what) ?? [];
  const isForKey = secretFlags.test(flag) || findClosestName(flag, listFlags(command)) === '--api-key';
  if (value && isForKey) return `unknown option '${flag}'`;
  // `-kVALUE`: the flag is the first letter.
  if (/^-[^-].{8,}/s.test(flag)) return `unknown option '${flag.slice(0, 2)}…'`;
  return what.replace(/'([^']*)'/g, (quoted, word: string) => {
    const [, name = '', rest = ''] = /^(--[^=]*=)?(.*)$/s.exec(word) ?? [];
    return looksSecret(rest.replace(/^-+/, '')) ? `'${name}…'` : quoted;
  });
}

/** All that is missing at once, and a command line that has it. */
async function describeMissing(command: Command, context: CommandContext): Promise<LoomError> {
  const missing = command.options.filter(
    (option) => option.mandatory && command.getOptionValue(option.attributeName()) === undefined,
  );
  const flags = missing.map(({ flags }) => `'${flags}'`);
  const list = [flags.slice(0, -1).join(', '), ...flags.slice(-1)]
    .filter((part) => part !== '')
    .join(' and ');
  const what = `required option${flags.length === 1 ? '' : 's'} ${list} not specified`;
  const name = nameCommand(command);
  if (commandsOfABatch.includes(name))
    return new LoomError('usage', `${what}.`, { hint: 'loom list shows the ids.' });
  if (!commandsWithExamples.includes(name)) return new LoomError('usage', what);
  const { proposeCommand } = await import('./example-command.ts');
  const example = await proposeCommand(name, command, context);
  return new LoomError('usage', `${what}.`, { hint: `For example: ${example}` });
}

/** Those that take an input and ask a provider about it. */
const commandsWithExamples = ['loom run', 'loom tokens'];

/** Those that are about one of the batches that loom list shows. */
const commandsOfABatch = ['loom status', 'loom cancel'];

/** Names of flags, of other programs too, that take what nobody may read. */
const secretFlags = /key|token|secret|pass|auth|credential/i;

/** `Did you mean fetch? See loom --help for all.` */
export function proposeFrom(name: string, candidates: readonly string[], where: string): string {
  const closest = findClosestName(name, candidates);
  return closest === undefined ? where : `Did you mean ${closest}? ${where}`.trim();
}

function proposeName(what: string, command: Command): string | undefined {
  if (/^(missing required argument|too many arguments) /.test(what))
    return [listChoices(what, command), `See ${nameCommand(command)} --help.`].filter(Boolean).join(' ');
  const where = `See ${nameCommand(command)} --help for all.`;
  const [, word] = /^unknown command '([^']*)'/.exec(what) ?? [];
  if (word !== undefined)
    return proposeFrom(
      word,
      command.commands.map((known) => known.name()),
      where,
    );
  const [, flag] = /^unknown option '([^'=]*)/.exec(what) ?? [];
  if (flag === '--json' && listFlags(command).includes('--output-format'))
    return `Did you mean --output-format json? ${where}`;
  if (flag !== undefined) return proposeFrom(flag, listFlags(command), where);
  const [, value = '', choices] =
    / '([^']*)' is invalid(?: for argument '[^']*')?\. Allowed choices are (.*)\.$/.exec(what) ?? [];
  if (choices === undefined) return undefined;
  const known = choices.split(', ');
  const meant = otherNames[value.toLowerCase()];
  if (meant !== undefined && known.includes(meant)) return `Did you mean ${meant}?`;
  return proposeFrom(value, known, '') || undefined;
}

/** What a word that is missing may be, where there are only so many. */
function listChoices(what: string, command: Command): string | undefined {
  const [, name] = /^missing required argument '([^']*)'/.exec(what) ?? [];
  const choices = command.registeredArguments.find((argument) => argument.name() === name)?.argChoices;
  return choices && `It is one of ${choices.join(', ')}.`;
}

/** What people call by other names what a flag has a word for. */
const otherNames: Readonly<Record<string, string>> = {
  ...otherProviderNames,
  ...{ excel: 'csv', ndjson: 'jsonl' },
};

/** Long flags, as they stand in the help. */
function listFlags(command: Command): string[] {
  const options: readonly Option[] = command.createHelp().visibleOptions(command);
  return options.flatMap(({ long }) => (long ? [long] : []));
}

/** What commander found wrong in a command line; usage-errors.ts has the words for people. */
export class Misuse extends Error {
  readonly command: Command;

  constructor(message: string, command: Command) {
    super(message);
    this.command = command;
  }
}
