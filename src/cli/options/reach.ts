/** How a command calls a verb of the library: with its surroundings, and with the sandbox in the place of providers. */

import type { ReachOptions } from '../../api/options/options.ts';
import { ensureSandboxFolder } from '../../api/options/reach.ts';
import { describeMet, listProviders } from '../../api/providers.ts';
import { isRefusedKey, LongWaitError, LoomError, ProviderError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { readHeaders } from '../../core/request/headers.ts';
import { endSentence } from '../../core/words.ts';
import type {
  CacheOptions,
  CallOptions,
  CommandContext,
  HeaderOptions,
  ReachOptions as ReachFlags,
} from './options.ts';

/** What every verb is given. */
export function placeOf(
  { sandbox, cacheDir, header }: { readonly sandbox?: boolean; readonly cacheDir?: string } & HeaderOptions,
  { environment, workingFolder, terminal, signal }: CommandContext,
): ReachOptions {
  const requests = terminal.tellsDetails;
  const headers = header && readHeaders(header);
  return { environment, workingFolder, dotenv: true, requests, signal, sandbox, cacheDir, headers };
}

/** Calls verbs that ask providers; the sandbox of a rehearsal runs for as long as that takes. */
export async function withProviders<Result>(
  options: ReachFlags & CacheOptions & Partial<CallOptions>,
  context: CommandContext,
  work: (reach: ReachOptions) => Promise<Result>,
): Promise<Result> {
  const { apiKey, baseUrl, callTimeout: callTimeoutMs } = options;
  const reach = { ...placeOf(options, context), apiKey, baseUrl, callTimeoutMs };
  if (!options.sandbox) return work(reach);
  if (baseUrl !== undefined) {
    throw new LoomError('usage', '--sandbox and --base-url exclude each other.', {
      hint: 'Leave one of them out.',
    });
  }
  const { startSandbox } = await import('../../sandbox/server.ts');
  const sandbox = await startSandbox({ dir: await ensureSandboxFolder(reach) });
  try {
    const names = listProviders(reach).map(({ name }) => name);
    const addresses = names.map((name) => [name, sandbox.baseUrlOf(name)]);
    return await work({ ...reach, sandbox: Object.fromEntries(addresses) });
  } finally {
    await sandbox.close();
  }
}

/** A provider's error with the provider's name, and what to look at when the key or the address was refused. */
export function nameProvider(provider: ProviderName, error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error;
  const { title, keyVariable, baseUrlVariable } = describeMet(provider);
  const refusedKey = isRefusedKey(error);
  const keyHint = error.isOfKeptKey
    ? `Replace the key that is kept with loom keys set ${provider}.`
    : `Check ${keyVariable} or --api-key.`;
  const hint = refusedKey ? keyHint : hintAt(baseUrlVariable, error);
  const kind = refusedKey ? 'key' : error instanceof LongWaitError ? 'limit' : 'provider';
  const message = `${title}: ${hint ? endSentence(error.message) : error.message}`;
  return new LoomError(kind, message, { ...(hint && { hint }), cause: error });
}

/** What to do about a server that is another than the vendor's own. */
function hintAt(baseUrlVariable: string, error: ProviderError): string | undefined {
  if (error.code === 'no_batch_api') return 'Re-run with --sync.';
  // Groq's word, for uploads and batches alike.
  if (error.code === 'not_available_for_plan')
    return "The plan of this key has no batches: re-run with --sync, or see the vendor's console.";
  return isAboutAddress(error) ? `Is the address right? See --base-url and ${baseUrlVariable}.` : undefined;
}

/** Servers that speak like OpenAI say in its words that they know no such address, or no such model. */
function isAboutAddress({ code, status, message }: ProviderError): boolean {
  if (code === 'http_404') return true;
  const isUnknown = ['unknown_url', 'invalid_request_error', 'not_found_error'].includes(code);
  return status === 404 && isUnknown && !/model|batch/i.test(message);
}
