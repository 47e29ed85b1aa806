/** How a provider is reached: what was asked for, else the record, else the environment. */

import { LoomError } from '../../core/errors.ts';
import { type GivenHeaders, holdsKey } from '../../core/request/headers.ts';
import type { Connection } from '../../providers/connection.ts';
import { isLoopback } from '../../providers/network/loopback.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { findApiKey, resolveApiKey, resolveBaseUrl } from '../../state/keys/keys.ts';

/** How long an answer may take to begin, and to go on, in milliseconds. */
export const answerTimeoutMs = 10 * 60_000;

export interface ConnectionChoice {
  readonly apiKey?: string | undefined;
  readonly headers?: GivenHeaders | undefined;
  readonly baseUrl?: string | undefined;
  /** Where the batch was submitted. */
  readonly recordedBaseUrl?: string | undefined;
  /** How long a live call may take in all, in milliseconds; default `answerTimeoutMs`. */
  readonly callTimeoutMs?: number | undefined;
}

/** `variables` may hold more than the `environment`. LoomError `key` names the variable when there is no key and one is needed, `usage` an address that is none. */
export function describeConnection(
  entry: ProviderEntry,
  { apiKey, headers = {}, baseUrl, recordedBaseUrl, callTimeoutMs = answerTimeoutMs }: ConnectionChoice,
  variables: NodeJS.ProcessEnv,
  environment: NodeJS.ProcessEnv,
): Connection {
  const [own] = entry.addresses;
  const address = findAddress(entry, { baseUrl, recordedBaseUrl }, variables);
  const isKeyless =
    entry.isKeyless || holdsKey(headers) || (entry.keylessOnLoopback && isLoopback(address ?? own));
  const key = resolveApiKey(entry, apiKey, variables, environment, isKeyless ? 'optional' : 'required');
  requireAddress(entry, address);
  const isKeyKept =
    key !== undefined && !holdsKey(headers) && findApiKey(entry, apiKey, variables) === undefined;
  const times = { timeoutMs: answerTimeoutMs, callTimeoutMs };
  const account = entry.accountVariable && variables[entry.accountVariable];
  return { apiKey: key, isKeyKept, headers, account, baseUrl: address, ...times, environment };
}

/** The address that is given, recorded or set, or that a person's own provider has; undefined for the vendor's own. */
export function findAddress(
  entry: ProviderEntry,
  { baseUrl, recordedBaseUrl }: Pick<ConnectionChoice, 'baseUrl' | 'recordedBaseUrl'>,
  variables: NodeJS.ProcessEnv,
): string | undefined {
  const [own] = entry.addresses;
  return resolveBaseUrl(entry, baseUrl, recordedBaseUrl, variables) ?? (entry.isOwn ? own : undefined);
}

/** LoomError `usage` for a provider that is nowhere by itself, where nothing says where it is. */
export function requireAddress(entry: ProviderEntry, address: string | undefined): void {
  if (entry.needsAddress && address === undefined) throw missingAddress(entry);
}

function missingAddress({
  title,
  baseUrlVariable: variable,
  addresses: [example],
}: ProviderEntry): LoomError {
  const message = `${title} has an address for each resource, and ${variable} names none.`;
  return new LoomError('usage', message, {
    code: 'base_url_missing',
    facts: { title, variable, example },
    hint: `Set ${variable} to it, or give baseUrl, such as ${example}.`,
  });
}
