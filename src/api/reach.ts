/** How the library reaches providers and the state on disk: by its options, else by the environment, never by `.env`. */

import { LoomError } from '../core/errors.ts';
import { describeConnection } from '../orchestrator/calls/connection.ts';
import type { Connection } from '../providers/connection.ts';
import type { ProviderEntry } from '../providers/provider.ts';
import { type LoomHome, loomHome } from '../storage/home.ts';
import { checkHome } from '../storage/marks.ts';
import type { CallOptions, ReachOptions } from './options.ts';

export interface Reach {
  readonly home: LoomHome;
  /** LoomError `key` names the variable when there is no key. */
  connect(entry: ProviderEntry, recordedBaseUrl?: string): Connection;
}

/** LoomError `state` for a home that is somebody else's folder. */
export function openReach({
  apiKey,
  baseUrl,
  cacheDir,
  callTimeoutMs,
  ...options
}: ReachOptions & CallOptions): Reach {
  const variables = { ...process.env, ...(options.home !== undefined && { LOOM_HOME: options.home }) };
  const home = loomHome({ cacheDir, variables, workingFolder: process.cwd() });
  checkHome(home);
  return {
    home,
    connect(entry, recordedBaseUrl) {
      try {
        return describeConnection(
          entry,
          { apiKey, baseUrl, recordedBaseUrl, callTimeoutMs },
          variables,
          process.env,
        );
      } catch (error) {
        if (!(error instanceof LoomError) || error.kind !== 'key') throw error;
        throw new LoomError('key', error.message, { hint: `Set ${entry.keyVariable}, or pass apiKey.` });
      }
    },
  };
}

/** Does a piece of work that ends, when the caller's signal is aborted, with that signal's reason. */
export async function underSignal<Result>(
  given: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  given?.throwIfAborted();
  // The stories tell an interruption by its class, whatever the caller's reason is.
  const stop = new AbortController();
  const onAbort = () => stop.abort(new LoomError('interrupted', 'aborted by the caller.'));
  given?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(stop.signal);
  } catch (error) {
    given?.throwIfAborted();
    throw error;
  } finally {
    given?.removeEventListener('abort', onAbort);
  }
}
