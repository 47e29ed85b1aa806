/** `keepKey`, `listKeys` and `forgetKey` of the library. */
import { LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { providerEntry } from '../../providers/registry.ts';
import { dropKey, keepKey as keepIn } from '../../state/keys/keep-keys.ts';
import { findKeyFault, keptKeysPath } from '../../state/keys/kept-keys.ts';
import { type FoundKey, findKeys, readKey } from '../../state/keys/keys.ts';
import type { ReachOptions } from '../options/options.ts';
import { findProvider, listProviderNames, surroundingsOf, underSignal } from '../options/reach.ts';

/** The person's home is that of `environment`, whatever `home` is: no key lies in a home that may be shared. */
export type KeysOptions = Pick<ReachOptions, 'environment' | 'workingFolder' | 'dotenv' | 'signal'>;

export interface KeyOptions extends KeysOptions {
  readonly provider: ProviderName;
}

export interface KeepKeyOptions extends KeyOptions {
  /** White space and quotes around it are left out. */
  readonly key: string;
}

export interface ListedKey {
  readonly provider: ProviderName;
  readonly source: FoundKey['source'];
  /** undefined for one that is kept. */
  readonly variable: string | undefined;
  /** The file that holds it; undefined for the environment. */
  readonly path: string | undefined;
  /** Its last four characters; undefined for a short key, of which they would be too much. */
  readonly end: string | undefined;
  /** Whether it is the one that counts, where `apiKey` gives none. */
  readonly isUsed: boolean;
}

/** Where kept keys are: in the person's own `~/.loom`. */
export function locateKeptKeys(options: KeysOptions = {}): string {
  return keptKeysPath(surroundingsOf(options).environment);
}

/**
 * Keeps a key for who gives none by `apiKey`, the environment or `.env`, as `loom keys set` does; in a file that only the
 * person can read. Whether it replaced one. LoomError `key` for what can't be a key.
 */
export async function keepKey(options: KeepKeyOptions): Promise<boolean> {
  const { name } = findProvider(options.provider, options);
  const key = readKey(options.key) ?? '';
  const reason = findKeyFault(key);
  if (reason !== undefined) {
    throw new LoomError('key', `that is no key: ${reason}.`, {
      code: 'key_unfit',
      facts: { reason },
      hint: 'Nothing was kept.',
    });
  }
  const { environment } = surroundingsOf(options);
  return underSignal(options.signal, (signal) => keepIn(name, key, { environment, signal }));
}

/** Removes a kept key, as `loom keys rm` does. Whether there was one. */
export async function forgetKey(options: KeyOptions): Promise<boolean> {
  const { name } = findProvider(options.provider, options);
  const { environment } = surroundingsOf(options);
  return underSignal(options.signal, (signal) => dropKey(name, { environment, signal }));
}

/** Every key that is there, by provider, without the key itself, as `loom keys list` shows it. */
export function listKeys(options: KeysOptions = {}): readonly ListedKey[] {
  const { environment, workingFolder } = surroundingsOf(options);
  const folder = options.dotenv ? workingFolder : undefined;
  return listProviderNames(options).flatMap((provider) =>
    findKeys(providerEntry(provider), { environment, folder }).map((found, place) => ({
      provider,
      source: found.source,
      variable: 'variable' in found ? found.variable : undefined,
      path: 'path' in found ? found.path : undefined,
      end: showEnd(found.key),
      isUsed: place === 0,
    })),
  );
}

const shownLength = 4;
/** Of a shorter key the last characters would be a good part. */
const leastLength = 20;

function showEnd(key: string): string | undefined {
  return key.length < leastLength ? undefined : key.slice(-shownLength);
}
