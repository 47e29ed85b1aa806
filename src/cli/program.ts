/** Every command, and what all have in common; the flags of each are in commands/. */

import { Command, Option } from 'commander';
import type { ProviderName } from '../core/names.ts';
import { addAdopt } from './adopt/flags.ts';
import { addCache, addCacheClear, addCacheStats } from './cache/flags.ts';
import { addCancel } from './cancel/flags.ts';
import { addCompare } from './compare/flags.ts';
import { addCompletion } from './completion/flags.ts';
import { addDoctor } from './doctor/flags.ts';
import { addExport } from './export/flags.ts';
import { addFetch } from './fetch/flags.ts';
import { parseText } from './flags/flag-values.ts';
import { addConfigFlags, addVoiceFlags } from './flags/shared-flags.ts';
import { addForget } from './forget/flags.ts';
import { addHelp, shapeHelp } from './help.ts';
import { addImport } from './import/flags.ts';
import { addKeys, addKeysList, addKeysRm, addKeysSet } from './keys/flags.ts';
import { addList } from './list/flags.ts';
import { addModels } from './models/flags.ts';
import type { CommandContext, Commands, VoiceOptions } from './options/options.ts';
import { addReport } from './report/flags.ts';
import { addRun } from './run/flags.ts';
import { addSandbox } from './sandbox/flags.ts';
import { addStatus } from './status/flags.ts';
import { usualWidth } from './terminal/terminal.ts';
import { isDebugging } from './terminal/voice.ts';
import { addTokens } from './tokens/flags.ts';
import { Misuse } from './usage/usage-errors.ts';

/**
 * The commander program; an action's exit code is handed to `onExitCode`. With `args`, only the commands that they name get
 * their flags, which takes most of a start; where they name none, or without them, each does.
 */
export function createProgram(
  commands: Commands,
  context: CommandContext,
  onExitCode: (code: number) => void,
  args: readonly string[] = [],
): Command {
  const program = new Command('loom')
    .description(
      'Run a file of prompts through an LLM, in half-price batches or live, and get the answers back in the file.',
    )

    .version(
      context.version,
      '-V, --version',
      'Print the version; with --verbose also those of the libraries in it.',
    )
    .addHelpText('after', rootHelp);
  const act =
    <Options>(work: (options: Options, context: CommandContext) => Promise<number>) =>
    async (options: Options & VoiceOptions, command: Command) => {
      Object.assign(context.voice, readVoice(options, context));
      if (isDebugging(context.environment)) await tellStart(command, context);
      const { requireProvider, withProviders } = await import('../api/options/reach.ts');
      const { environment, workingFolder } = context;
      // What is told of a provider knows a person's own as the verbs do.
      const working = () =>
        withProviders({ environment, workingFolder }, () => {
          requireProvider(options);
          return work(options, context);
        });
      onExitCode((await mayUseDefaults(context)) ? await working() : 1);
    };

  /** Adds a command, by its name, with its flags; in the order of the help. */
  const adding: Readonly<Record<string, () => Command>> = {
    run: () => addVoiceFlags(addRun(program)).action(act(commands.run)),
    fetch: () => addVoiceFlags(addFetch(program)).action(act(commands.fetch)),
    adopt: () => addVoiceFlags(addAdopt(program)).action(act(commands.adopt)),
    export: () => addVoiceFlags(addExport(program)).action(act(commands.exportRun)),
    import: () => {
      const importing = addVoiceFlags(addImport(program));
      return importing.action((results: string[], options) =>
        act(commands.importRun)({ ...options, results }, importing),
      );
    },
    list: () => addVoiceFlags(addList(program)).action(act(commands.list)),
    status: () => addVoiceFlags(addStatus(program)).action(act(commands.showStatus)),
    cancel: () => addVoiceFlags(addCancel(program)).action(act(commands.cancel)),
    forget: () => addVoiceFlags(addForget(program)).action(act(commands.forget)),
    tokens: () => addVoiceFlags(addTokens(program)).action(act(commands.tokens)),
    doctor: () => addVoiceFlags(addDoctor(program)).action(act(commands.examine)),
    models: () => {
      const models = addVoiceFlags(addModels(program));
      return models.action((search: string[], options) =>
        act(commands.listModels)({ ...options, search: search.join(' ') }, models),
      );
    },
    report: () => {
      const report = addVoiceFlags(addReport(program));
      return report.action((target: string, options) => act(commands.report)({ ...options, target }, report));
    },
    compare: () => {
      const compare = addVoiceFlags(addCompare(program));
      return compare.action((targets: string[], options) =>
        act(commands.compare)({ ...options, targets }, compare),
      );
    },
    keys: () => {
      const keys = addKeys(program);
      const set = addVoiceFlags(addKeysSet(keys));
      set.action((provider: ProviderName, options) => act(commands.setKey)({ ...options, provider }, set));
      addVoiceFlags(addKeysList(keys)).action(act(commands.listKeys));
      const rm = addVoiceFlags(addKeysRm(keys));
      rm.action((provider: ProviderName, options) => act(commands.removeKey)({ ...options, provider }, rm));
      return keys;
    },
    cache: () => {
      const cache = addCache(program);
      addVoiceFlags(addCacheStats(cache)).action(act(commands.showCache));
      addVoiceFlags(addCacheClear(cache)).action(act(commands.clearCache));
      return cache;
    },
    sandbox: () => addSandbox(program).action(act(commands.serveSandbox)),
    completion: () => {
      const completion = addCompletion(program);
      return completion.action((shell, options) =>
        act(commands.completion)({ ...options, shell }, completion),
      );
    },
  };
  const named = Object.keys(adding).filter((name) => args.includes(name));
  const added = Object.entries(adding).flatMap(([name, add]) => {
    if (named.length === 0 || named.includes(name)) return allCommands(add());
    program.command(name);
    return [];
  });
  for (const command of added) if (command.commands.length === 0) finishFlags(command);
  for (const command of [program, ...added, addHelp(program)]) shapeCommand(command, context);
  return program;
}

const rootHelp = `
Examples:
  loom run -f prompts.json -p openai -m gpt-4o-mini
  loom fetch

Exit codes:
  0    done; for fetch also when batches are still pending
  1    it could not be done
  2    usage error, or token counting not available
  3    done and written, but some rows have no response
  130  interrupted by SIGINT (143: by SIGTERM, 129: its terminal was closed)`;

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

/** Whether there is a yes to what a file of defaults can't decide by itself. */
async function mayUseDefaults(context: CommandContext): Promise<boolean> {
  const { configPath, doubts } = context;
  if (configPath === undefined || !doubts || doubts.length === 0) return true;
  return (await import('./config/config-trust.ts')).confirmDefaults(configPath, doubts, context);
}

async function tellStart(command: Command, context: CommandContext): Promise<void> {
  const { describeStart } = await import('./debug.ts');
  for (const line of describeStart(command, context)) {
    context.terminal.detail(line);
  }
}

/**
 * Flags that every command has, and the opposite of each switch, which a file may have switched on. No flag takes an empty
 * text: it comes from a variable that is not set, and what stands behind the flag would be taken from elsewhere.
 */
function finishFlags(command: Command): void {
  addConfigFlags(command);
  for (const option of command.options) if (option.required && !option.parseArg) option.argParser(parseText);
  for (const { long, negate, required, optional } of [...command.options]) {
    if (!long || required || optional) continue;
    const opposite = negate ? long.replace(/^--no-/, '--') : long.replace(/^--/, '--no-');
    if (command.options.some((known) => known.long === opposite)) continue;
    command.addOption(new Option(opposite).hideHelp());
  }
  refuseUnknownFirst(command);
}

/** A mistyped flag is told ahead of the flag that is missing by it. */
function refuseUnknownFirst(command: Command): void {
  const parseOptions = command.parseOptions.bind(command);
  command.parseOptions = (args) => {
    const parsed = parseOptions(args);
    const [flag] = parsed.unknown;
    if (flag && !parsed.unknown.some((word) => word === '-h' || word === '--help'))
      command.error(`error: unknown option '${flag}'`);
    return parsed;
  };
}

/** The same manners at every level: help words, one error line, no exit of commander's own. */
function shapeCommand(command: Command, { terminal }: CommandContext): void {
  shapeHelp(command);
  command
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : new Misuse(error.message, command);
    })
    .configureOutput({
      writeOut: (text) => terminal.printText(text.replace(/\n$/, '')),
      getOutHelpWidth: () => terminal.screenWidth ?? usualWidth,
      // An error is told where it is caught.
      outputError: () => {},
    });
}
