/** Every command, and what all have in common; the flags of each are in commands/. */
import { Command, type Option } from 'commander';
import { addAdopt } from './commands/adopt.ts';
import { addCache, addCacheClear, addCacheStats } from './commands/cache.ts';
import { addCancel } from './commands/cancel.ts';
import { addFetch } from './commands/fetch.ts';
import { addForget } from './commands/forget.ts';
import { addList } from './commands/list.ts';
import { addReport } from './commands/report.ts';
import { addRun } from './commands/run.ts';
import { addSandbox } from './commands/sandbox.ts';
import { addVoiceOptions } from './commands/shared-flags.ts';
import { addStatus } from './commands/status.ts';
import { addTokens } from './commands/tokens.ts';
import type { CommandContext, Commands, VoiceOptions } from './options.ts';
import { isDebugging } from './voice.ts';

/** The commander program; an action's exit code is handed to `onExitCode`. */
export function createProgram(
  commands: Commands,
  context: CommandContext,
  onExitCode: (code: number) => void,
): Command {
  const program = new Command('loom')
    .description(
      'Run a file of prompts through an LLM, in half-price batches or live, and get the answers back in the file.',
    )

    .version(context.version, '-V, --version', 'Print the version.')
    .addHelpText('after', exitCodeHelp);
  const act =
    <Options>(work: (options: Options, context: CommandContext) => Promise<number>) =>
    async (options: Options & VoiceOptions, command: Command) => {
      Object.assign(context.voice, readVoice(options, context));
      if (isDebugging(context.environment)) await tellStart(command, context);
      onExitCode(await work(options, context));
    };

  addVoiceOptions(addRun(program)).action(act(commands.run));
  addVoiceOptions(addFetch(program)).action(act(commands.fetch));
  addVoiceOptions(addAdopt(program)).action(act(commands.adopt));
  addVoiceOptions(addList(program)).action(act(commands.list));
  addVoiceOptions(addStatus(program)).action(act(commands.showStatus));
  addVoiceOptions(addCancel(program)).action(act(commands.cancel));
  addVoiceOptions(addForget(program)).action(act(commands.forget));
  addVoiceOptions(addTokens(program)).action(act(commands.tokens));
  const report = addVoiceOptions(addReport(program));
  report.action((target: string, options) => act(commands.report)({ ...options, target }));
  const cache = addCache(program);
  addVoiceOptions(addCacheStats(cache)).action(act(commands.showCache));
  addVoiceOptions(addCacheClear(cache)).action(act(commands.clearCache));
  addSandbox(program).action(act(commands.serveSandbox));
  for (const command of allCommands(program)) shapeCommand(command, context);
  return program;
}

const exitCodeHelp = `
Exit codes:
  0    done; for fetch also when batches are still pending
  1    it could not be done
  2    usage error, or token counting not available
  3    done and written, but some rows have no response
  130  interrupted by SIGINT (143: by SIGTERM)`;

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function readVoice(
  { quiet, verbose, outputFormat }: VoiceOptions,
  { environment }: CommandContext,
): CommandContext['voice'] {
  const isVerbose = (verbose ?? false) || isDebugging(environment);
  return { quiet: quiet ?? false, verbose: isVerbose, json: outputFormat === 'json' };
}

async function tellStart(command: Command, context: CommandContext): Promise<void> {
  const { describeStart } = await import('./debug.ts');
  for (const line of describeStart(nameCommand(command), command.opts(), context)) {
    context.terminal.detail(line);
  }
}

/** `loom cache clear` */
function nameCommand(command: Command): string {
  return command.parent ? `${nameCommand(command.parent)} ${command.name()}` : command.name();
}

/** The same manners at every level: help words, one error line, no exit of commander's own. */
function shapeCommand(command: Command, { terminal }: CommandContext): void {
  command
    .helpOption('-h, --help', 'Show this help (also -?).')
    .helpCommand(false)
    .configureHelp({ optionDescription: describeOption })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.replace(/\n$/, '')),
      writeErr: (text) => terminal.fail(text.replace(/^error: /, '')),
    });
}

/** The description with its default; a switch needs none. */
function describeOption({ description, defaultValue, argChoices }: Option): string {
  const notes: string[] = [];
  if (argChoices) notes.push(`one of: ${argChoices.join(', ')}`);
  if (defaultValue !== undefined && typeof defaultValue !== 'boolean') notes.push(`default: ${defaultValue}`);
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}
