/** How a command reaches providers and its state: keys, addresses, and the sandbox in their place. */
import { join } from 'node:path';
import { LoomError, ProviderError } from '../errors.ts';
import type { Connection, ProviderEntry } from '../providers/provider.ts';
import { isLoopback } from '../providers/transport.ts';
import { type LoomHome, loomHome } from '../utils/home.ts';
import { readVariables, resolveApiKey, resolveBaseUrl } from '../utils/keys.ts';
import type { CommandContext, ReachOptions } from './options.ts';

/** How long an answer may take to begin, and to go on, in milliseconds. */
const answerTimeoutMs = 10 * 60_000;

export interface Reach {
  readonly home: LoomHome;
  /** LoomError `key` names the variable when there is no key. */
  connect(entry: ProviderEntry, recordedBaseUrl?: string | undefined): Connection;
  close(): Promise<void>;
}

/** Call `close` when the command is over, however it ends. */
export async function openReach(options: ReachOptions, context: CommandContext): Promise<Reach> {
  const home = loomHome({ sandbox: options.sandbox });
  if (options.sandbox) return openSandboxReach(home, options);
  const variables = readVariables(context.environment, context.workingFolder);
  return {
    home,
    connect(entry, recordedBaseUrl) {
      const baseUrl = resolveBaseUrl(entry, options.baseUrl, recordedBaseUrl, variables);
      const isKeyless = entry.keylessOnLoopback && baseUrl !== undefined && isLoopback(baseUrl);
      const apiKey = resolveApiKey(entry, options.apiKey, variables, isKeyless ? 'optional' : 'required');
      return { apiKey, baseUrl, timeoutMs: answerTimeoutMs };
    },
    close: async () => {},
  };
}

async function openSandboxReach(home: LoomHome, options: ReachOptions): Promise<Reach> {
  if (options.baseUrl !== undefined) {
    throw new LoomError('usage', '--sandbox and --base-url exclude each other.', {
      hint: 'Leave one of them out.',
    });
  }
  const { sandboxKey, startSandbox } = await import('../sandbox/server.ts');
  const sandbox = await startSandbox({ dir: join(home.root, 'providers') });
  return {
    home,
    connect: (entry) => ({
      apiKey: sandboxKey,
      baseUrl: sandbox.baseUrls[entry.name],
      timeoutMs: answerTimeoutMs,
    }),
    close: () => sandbox.close(),
  };
}

/** A provider's error with the provider's name, and what to look at when the key or the address was refused. */
export function nameProvider(entry: ProviderEntry, error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error;
  const refusedKey = error.status === 401 || error.code === 'invalid_api_key';
  const hint = refusedKey ? `Check ${entry.keyVariable} or --api-key.` : hintAt(entry, error);
  const stop = hint && !/[.!?…]$/.test(error.message) ? '.' : '';
  const message = `${entry.title}: ${error.message}${stop}`;
  return new LoomError(refusedKey ? 'key' : 'provider', message, { ...(hint && { hint }), cause: error });
}

/** What to do about a server that is another than the vendor's own. */
function hintAt(entry: ProviderEntry, { code }: ProviderError): string | undefined {
  if (code === 'no_batch_api') return 'Re-run with --sync.';
  if (code !== 'http_404') return undefined;
  return `Is the address right? See --base-url and ${entry.baseUrlVariable}.`;
}
