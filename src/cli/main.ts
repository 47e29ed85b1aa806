/** From arguments to an exit code: the only place where errors become words. */
import { type Command, CommanderError } from 'commander';
import { exitCodeFor, InterruptedError, LoomError } from '../core/errors.ts';
import { completeWord } from '../core/names.ts';
import { findConfigFile } from './config/config-file.ts';
import { flagFirstWord } from './flags/first-word.ts';
import type { CommandContext, Commands } from './options/options.ts';
import { createProgram } from './program.ts';
import { describeLostWrite } from './terminal/outlet.ts';
import { isDebugging } from './terminal/voice.ts';
import { Misuse } from './usage/usage-errors.ts';
import { describeError, describeErrorFields, describeTrace } from './words/describe-error.ts';

/** Each command is loaded when it is called: help and errors in flags need none of them. */
const commands: Commands = {
  run: async (options, context) => (await import('./run/command.ts')).run(options, context),
  fetch: async (options, context) => (await import('./fetch/command.ts')).fetch(options, context),
  adopt: async (options, context) => (await import('./adopt/command.ts')).adopt(options, context),
  exportRun: async (options, context) => (await import('./export/command.ts')).exportRun(options, context),
  importRun: async (options, context) => (await import('./import/command.ts')).importRun(options, context),
  list: async (options, context) => (await import('./list/command.ts')).list(options, context),
  examine: async (options, context) => (await import('./doctor/command.ts')).examine(options, context),
  listModels: async (options, context) => (await import('./models/command.ts')).listModels(options, context),
  showStatus: async (options, context) => (await import('./status/command.ts')).showStatus(options, context),
  cancel: async (options, context) => (await import('./cancel/command.ts')).cancel(options, context),
  forget: async (options, context) => (await import('./forget/command.ts')).forget(options, context),
  tokens: async (options, context) => (await import('./tokens/command.ts')).tokens(options, context),
  report: async (options, context) => (await import('./report/command.ts')).report(options, context),
  compare: async (options, context) => (await import('./compare/command.ts')).compare(options, context),
  setKey: async (options, context) => (await import('./keys/command.ts')).setKey(options, context),
  listKeys: async (options, context) => (await import('./keys/command.ts')).listKeys(options, context),
  removeKey: async (options, context) => (await import('./keys/command.ts')).removeKey(options, context),
  showCache: async (options, context) => (await import('./cache/command.ts')).showCache(options, context),
  clearCache: async (options, context) => (await import('./cache/command.ts')).clearCache(options, context),
  completion: async (options, context) =>
    (await import('./completion/command.ts')).completion(options, context),
  serveSandbox: async (options, context) =>
    (await import('./sandbox/command.ts')).serveSandbox(options, context),
};

/**
 * Runs one command line and returns its exit code, once stdout and stderr have taken what there is to tell. Never throws.
 *
 * What can't be told changes nothing of the work. A reader of stdout that has gone is no error, and a log that takes
 * nothing none of stderr. Where stdout takes nothing, as on a full disk, stderr says so; the exit code is 1 only if what
 * the command is for was to stand there (a list, a count, a JSON document), else that of the work.
 */
export async function main(args: readonly string[], context: CommandContext): Promise<number> {
  const code = await runCommand(args, context);
  const { terminal } = context;
  const loss = await terminal.settle();
  if (!loss) return code;
  const what = await describeLostWrite(loss.error);
  if (loss.ofResults)
    terminal.fail(`${what} Free some space, or send stdout elsewhere; what was done is kept.`);
  else terminal.warn(`${what} What should have been printed there is lost; what was done is kept.`);
  await terminal.settle();
  return loss.ofResults && (code === 0 || code === 3) ? 1 : code;
}

async function runCommand(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode = 0;
  const { document, terminal, voice } = context;
  const open = (named: readonly string[]) =>
    createProgram(
      commands,
      context,
      (code) => {
        exitCode = code;
      },
      named,
    );
  try {
    if (args[0] === completeWord) return await tellProposals(open([]), args.slice(1), context);
    const defaults = asksForHelp(args) ? undefined : await findDefaults(args, context);
    // A file of defaults is about all commands.
    const program = open(defaults ? [] : args);
    if (defaults) (await import('./config/config.ts')).setDefaults(program, defaults, context);
    await program.parseAsync(args.length === 0 ? ['--help'] : flagFirstWord(args).map(readHelpWord), {
      from: 'user',
    });
    if (voice.json) terminal.printText(document.finish(exitCode, null));
    return exitCode;
  } catch (error) {
    // Help and the version are what was asked for.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure =
      error instanceof Misuse
        ? await (await import('./usage/usage-errors.ts')).describeUsage(error, context)
        : error;
    const code = exitCodeFor(failure);
    reportError(failure, context);
    if (voice.json) terminal.printText(document.finish(code, describeErrorFields(failure)));
    return code;
  }
}

/** Proposals for the shell that a script of `loom completion` runs in. */
async function tellProposals(
  program: Command,
  [shell = '', ...words]: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { complete } = await import('./completion/complete.ts');
  for (const line of await complete(program, shell, words, context)) context.terminal.printText(line);
  return 0;
}

/** The file of defaults for flags, if there is one. */
async function findDefaults(args: readonly string[], context: CommandContext) {
  // Each command reads them anyway; help does not.
  const { variablesOf } = await import('../api/options/reach.ts');
  const { environment, workingFolder } = context;
  const variables = variablesOf({ environment, workingFolder, dotenv: true });
  return findConfigFile(args, { environment, variables }, workingFolder);
}

/** Help is given whatever a file of defaults holds. */
function asksForHelp(args: readonly string[]): boolean {
  return (
    args.length === 0 ||
    args[0] === 'help' ||
    args.some((arg) => ['-h', '--help', '--help-all', '-?', '-V', '--version'].includes(arg))
  );
}

/** `-?` asks for help, as it does in the Python tool; commander takes only one short form. */
function readHelpWord(argument: string): string {
  return argument === '-?' ? '--help' : argument;
}

function reportError(error: unknown, { terminal, environment }: CommandContext): void {
  if (isDebugging(environment) && error instanceof Error) {
    for (const line of describeTrace(error).split('\n')) terminal.detail(line);
  }
  if (error instanceof LoomError && error.kind === 'unavailable') {
    terminal.print(`Token counting not available: ${describeError(error)}`);
  } else if (error instanceof InterruptedError) {
    terminal.note(`Interrupted by ${error.signal}.`);
  } else {
    terminal.fail(describeError(error));
  }
}
