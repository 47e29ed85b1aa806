/** `loom sandbox`: the stand-in for the providers, as a server of its own. */
import { join } from 'node:path';
import { providerNames } from '../models.ts';
import { providerEntry } from '../providers/registry.ts';
import { sandboxKey, startSandbox } from '../sandbox/server.ts';
import { loomHome } from '../utils/home.ts';
import type { CommandContext, SandboxServerOptions } from './options.ts';

/** Serves until it is interrupted. The lines it prints can be pasted into a shell, or read by `eval`. */
export async function serveSandbox(
  options: SandboxServerOptions,
  { terminal, signal }: CommandContext,
): Promise<number> {
  const sandbox = await startSandbox({
    dir: join(loomHome({ sandbox: true }).root, 'providers'),
    port: options.port,
    latencyMs: options.latency,
    turnaroundMs: options.turnaround,
  });
  for (const name of providerNames) {
    const { keyVariable, baseUrlVariable } = providerEntry(name);
    terminal.print(`export ${baseUrlVariable}=${sandbox.baseUrls[name]} ${keyVariable}=${sandboxKey}`);
  }
  terminal.note(`The sandbox listens on ${sandbox.origin}. Stop it with Ctrl+C.`);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  await sandbox.close();
  throw signal.reason;
}
