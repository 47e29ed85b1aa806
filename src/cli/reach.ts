/** How a command reaches providers and its state: keys, addresses, and the sandbox in their place. */
import { join } from 'node:path';
import { isRefusedKey, LoomError, ProviderError } from '../errors.ts';
import { answerTimeoutMs, describeConnection } from '../orchestrator/connection.ts';
import type { Connection, ProviderEntry } from '../providers/provider.ts';
import { ensureCacheFolder } from '../utils/cache.ts';
import { ensurePrivateFolder } from '../utils/files.ts';
import { type LoomHome, loomHome } from '../utils/home.ts';
import { readVariables } from '../utils/keys.ts';
import type { CacheOptions, CallOptions, CommandContext, ReachOptions } from './options.ts';
import { describeRequest } from './request-lines.ts';

export interface Reach {
  readonly home: LoomHome;
  /** LoomError `key` names the variable when there is no key. */
  connect(entry: ProviderEntry, recordedBaseUrl?: string | undefined): Connection;
  close(): Promise<void>;
}

/** The home of a command's state, as flags, environment and `.env` say. */
export function openHome(
  options: { readonly sandbox?: boolean; readonly cacheDir?: string },
  { environment, workingFolder }: CommandContext,
): LoomHome {
  return loomHome({ ...options, variables: readVariables(environment, workingFolder), workingFolder });
}

/** Call `close` when the command is over, however it ends. LoomError `state` where a chosen cache can't be. */
export async function openReach(
  options: ReachOptions & CacheOptions & Partial<CallOptions> & { readonly cache?: boolean },
  context: CommandContext,
): Promise<Reach> {
  const home = openHome(options, context);
  if (home.chosenCache !== undefined && options.cache) await ensureCacheFolder(home.chosenCache);
  if (options.sandbox) return openSandboxReach(home, options, context);
  const variables = readVariables(context.environment, context.workingFolder);
  return {
    home,
    connect: (entry, recordedBaseUrl) =>
      followed(
        describeConnection(
          entry,
          {
            apiKey: options.apiKey,
            baseUrl: options.baseUrl,
            recordedBaseUrl,
            callTimeoutMs: options.callTimeout,
          },
          variables,
          context.environment,
        ),
        context,
      ),
    close: async () => {},
  };
}

async function openSandboxReach(
  home: LoomHome,
  options: ReachOptions & Partial<CallOptions>,
  context: CommandContext,
): Promise<Reach> {
  if (options.baseUrl !== undefined) {
    throw new LoomError('usage', '--sandbox and --base-url exclude each other.', {
      hint: 'Leave one of them out.',
    });
  }
  const { sandboxKey, startSandbox } = await import('../sandbox/server.ts');
  const sandbox = await startSandbox({ dir: await ensureSandboxFolder(home) });
  return {
    home,
    connect: (entry) =>
      followed(
        {
          apiKey: options.apiKey ?? sandboxKey,
          baseUrl: sandbox.baseUrls[entry.name],
          timeoutMs: answerTimeoutMs,
          callTimeoutMs: options.callTimeout ?? answerTimeoutMs,
          environment: context.environment,
        },
        context,
      ),
    close: () => sandbox.close(),
  };
}

/** The connection, with a line for each of its requests where details are told. */
function followed(connection: Connection, { terminal }: CommandContext): Connection {
  if (!terminal.tellsDetails) return connection;
  return { ...connection, onRequest: (notice) => terminal.detail(describeRequest(notice)) };
}

/** Where the sandbox keeps its files. LoomError `state` where that can't be made. */
export async function ensureSandboxFolder({ root }: LoomHome): Promise<string> {
  const folder = join(root, 'providers');
  await ensurePrivateFolder(folder);
  return folder;
}

/** A provider's error with the provider's name, and what to look at when the key or the address was refused. */
export function nameProvider(entry: ProviderEntry, error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error;
  const refusedKey = isRefusedKey(error);
  const hint = refusedKey ? `Check ${entry.keyVariable} or --api-key.` : hintAt(entry, error);
  const stop = hint && !/[.!?…]$/.test(error.message) ? '.' : '';
  const message = `${entry.title}: ${error.message}${stop}`;
  return new LoomError(refusedKey ? 'key' : 'provider', message, { ...(hint && { hint }), cause: error });
}

/** What to do about a server that is another than the vendor's own. */
function hintAt(entry: ProviderEntry, error: ProviderError): string | undefined {
  if (error.code === 'no_batch_api') return 'Re-run with --sync.';
  if (!isAboutAddress(error)) return undefined;
  return `Is the address right? See --base-url and ${entry.baseUrlVariable}.`;
}

/** Servers that speak like OpenAI say in its words that they know no such address, or no such model. */
function isAboutAddress({ code, status, message }: ProviderError): boolean {
  if (code === 'http_404') return true;
  const isUnknown = ['unknown_url', 'invalid_request_error', 'not_found_error'].includes(code);
  return status === 404 && isUnknown && !/model|batch/i.test(message);
}
