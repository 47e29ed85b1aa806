/** What a command is given to work in: all that it may take from the process around it, or from a test in its place. */
import packageInfo from '../../../package.json' with { type: 'json' };
import { createTerminal } from '../terminal/terminal.ts';
import { asksForJson, DocumentDraft, isDebugging, type Voice } from '../terminal/voice.ts';
import type { CommandContext } from './options.ts';

export interface ProcessContext {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly environment: NodeJS.ProcessEnv;
  readonly workingFolder: string;
  /** Aborted with an InterruptedError when the command is to stop. */
  readonly signal: AbortSignal;
}

/** A context for one command line. */
export function createContext(
  args: readonly string[],
  { stdin, stdout, stderr, environment, workingFolder, signal }: ProcessContext,
): CommandContext {
  const voice: Voice = { quiet: false, verbose: isDebugging(environment), json: asksForJson(args) };
  const terminal = createTerminal({ stdin, stdout, stderr, environment, voice, signal });
  const { version } = packageInfo;
  return { version, terminal, voice, document: new DocumentDraft(), environment, workingFolder, signal };
}
