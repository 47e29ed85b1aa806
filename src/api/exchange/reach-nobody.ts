/** What requests need that are not sent from here: everything of a run but a key. */
import { answerTimeoutMs, findAddress, requireAddress } from '../../orchestrator/calls/connection.ts';
import type { Connection } from '../../providers/connection.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { findKeyVariable } from '../../state/keys/keys.ts';
import type { ReachOptions } from '../options/options.ts';
import type { Reach } from '../options/reach.ts';

/** A connection on which nothing is sent: its address and headers say whose answers those in the cache are. */
export function reachNobody(
  entry: ProviderEntry,
  { apiKey, baseUrl }: Pick<ReachOptions, 'apiKey' | 'baseUrl'>,
  { variables, headersFor }: Pick<Reach, 'variables' | 'headersFor'>,
): Connection {
  const address = findAddress(entry, { baseUrl }, variables);
  requireAddress(entry, address);
  return {
    apiKey: apiKey ?? variables[findKeyVariable(entry, variables) ?? entry.keyVariable],
    baseUrl: address,
    headers: headersFor(entry.name),
    timeoutMs: answerTimeoutMs,
    environment: {},
  };
}
