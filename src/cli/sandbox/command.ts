/** `loom sandbox`: the stand-in for the providers, as a server of its own. */
import { resolve } from 'node:path';
import { ensureSandboxFolder } from '../../api/options/reach.ts';
import { listProviders } from '../../api/providers.ts';
import { LoomError } from '../../core/errors.ts';
import { type Faults, readFaults, sandboxKey, startSandbox } from '../../sandbox/server.ts';
import { describeDiskError, isDiskError } from '../../storage/files.ts';
import { readPlainText } from '../../storage/plain-file.ts';
import type { CommandContext, SandboxServerOptions } from '../options/options.ts';
import { placeOf } from '../options/reach.ts';

/** Serves until it is interrupted. The lines it prints can be pasted into a shell, or read by `eval`. */
export async function serveSandbox(options: SandboxServerOptions, context: CommandContext): Promise<number> {
  const { terminal, signal, workingFolder } = context;
  const faults =
    options.faults === undefined ? undefined : loadFaults(resolve(workingFolder, options.faults));
  const sandbox = await startSandbox({
    dir: await ensureSandboxFolder(placeOf({ sandbox: true }, context)),
    port: options.port,
    latencyMs: options.latency,
    turnaroundMs: options.turnaround,
    countPrompts: true,
    ...(faults && { faults }),
  });
  for (const { name, keyVariable, baseUrlVariable } of listProviders(placeOf({}, context)))
    terminal.printResult(`export ${baseUrlVariable}=${sandbox.baseUrlOf(name)} ${keyVariable}=${sandboxKey}`);
  terminal.note(`The sandbox listens on ${sandbox.origin}. Stop it with Ctrl+C.`);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await sandbox.close();
  throw signal.reason;
}

/** LoomError `input` names the file, and what in it is no fault. */
function loadFaults(path: string): Faults {
  try {
    return readFaults(JSON.parse(readPlainText(path)));
  } catch (error) {
    const isUnreadable = isDiskError(error) || error instanceof LoomError;
    const reason = isUnreadable ? `${describeDiskError(error)}.` : (error as Error).message;
    throw new LoomError('input', `can't read the faults in ${path}: ${reason}`, {
      cause: error,
    });
  }
}
