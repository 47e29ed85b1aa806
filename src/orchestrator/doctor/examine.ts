/**
 * The story of `loom doctor`: what a run needs of this machine, and whether each provider takes the key that is found for
 * it. Writes nothing. A provider is asked for its models, which costs nothing, and once alone.
 */
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ownPricesPath, readOwnPrices } from '../../cache/prices/own-prices.ts';
import { describeTold, isRefusedKey, LoomError, ProviderError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { type GivenHeaders, holdsKey } from '../../core/request/headers.ts';
import { endSentence } from '../../core/words.ts';
import { findProxy } from '../../providers/network/proxies.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { isProvider } from '../../providers/registry.ts';
import { findKeys, type KeyPlaces, resolveBaseUrl } from '../../state/keys/keys.ts';
import type { LoomHome } from '../../storage/home.ts';
import { checkHome } from '../../storage/marks.ts';
import { type ConnectionChoice, describeConnection } from '../calls/connection.ts';

export interface Finding {
  readonly about: 'node' | 'home' | 'disk' | 'providers' | 'prices' | 'proxy' | 'key';
  /** absent: nothing is there, and nothing is wrong with that. */
  readonly state: 'ok' | 'absent' | 'wrong';
  /** What was found, without a key or a password; where it is wrong, with what to do. */
  readonly told: string;
  /** Of a key, or a proxy. */
  readonly provider?: ProviderName;
}

/** Where it is looked. */
export interface Surroundings {
  readonly home: LoomHome;
  /** What goes before what is found. */
  readonly given: Pick<ConnectionChoice, 'apiKey' | 'baseUrl'>;
  readonly headersFor: (provider: ProviderName) => GivenHeaders;
  readonly variables: NodeJS.ProcessEnv;
  readonly environment: NodeJS.ProcessEnv;
  /** The folder whose `.env` counts; undefined where none does. */
  readonly folder: string | undefined;
  readonly nodeVersion: string;
  /** What was found of a person's own providers; undefined where there is no such file. */
  readonly ownProviders: Finding | undefined;
}

/** How long a provider may take to answer. */
const patienceMs = 30_000;
const leastFree = 100_000_000;
const leastNode = [20, 19] as const;

/** Each finding as soon as it is made. `areMeant`: somebody named these providers, so a key that is not there is missed. */
export async function* examine(
  place: Surroundings,
  entries: readonly ProviderEntry[],
  areMeant: boolean,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  yield examineNode(place.nodeVersion);
  yield await examineHome(place.home);
  yield await examineDisk(place.home);
  if (place.ownProviders) yield place.ownProviders;
  yield* examinePrices(place.home);
  let keys = 0;
  for (const entry of entries) {
    yield* examineProxy(entry, place);
    const finding = await examineKey(entry, place, areMeant, signal);
    if (finding.state !== 'absent') keys += 1;
    yield finding;
  }
  if (keys > 0) return;
  yield {
    about: 'key',
    state: 'wrong',
    told: 'There is no key of any provider: set the variable of one, or keep a key with loom keys set.',
  };
}

function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = leastNode;
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const told = `Node.js ${version}${isEnough ? '' : `, and it takes ${leastNode.join('.')}: update it.`}`;
  return { about: 'node', state: isEnough ? 'ok' : 'wrong', told };
}

async function examineHome(home: LoomHome): Promise<Finding> {
  try {
    checkHome(home);
    const folder = await findFolder(home.base);
    await access(folder, constants.W_OK | constants.X_OK);
    const told = folder === home.base ? home.base : `${home.base}, which the first run makes`;
    return { about: 'home', state: 'ok', told };
  } catch (error) {
    const told =
      error instanceof LoomError
        ? describeTold(error)
        : `${home.base} can't be written to: make it writable.`;
    return { about: 'home', state: 'wrong', told };
  }
}

async function examineDisk(home: LoomHome): Promise<Finding> {
  const disk = await findFolder(home.base)
    .then((folder) => statfs(folder))
    .catch(() => undefined);
  if (!disk) return { about: 'disk', state: 'absent', told: 'how much is free is not known' };
  const free = disk.bavail * disk.bsize;
  const told = `${Math.floor(free / 1_000_000)} MB free for ${home.base}`;
  return free >= leastFree
    ? { about: 'disk', state: 'ok', told }
    : { about: 'disk', state: 'wrong', told: `${told}: free some space.` };
}

/** The nearest folder that is there. */
async function findFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found || dirname(path) === path ? path : findFolder(dirname(path));
}

function* examinePrices(home: LoomHome): Generator<Finding> {
  try {
    const models = [...readOwnPrices(home, isProvider).values()].flat().length;
    const told = `${models} in ${ownPricesPath(home)}`;
    if (models > 0) yield { about: 'prices', state: 'ok', told };
  } catch (error) {
    if (!(error instanceof LoomError)) throw error;
    yield { about: 'prices', state: 'wrong', told: describeTold(error) };
  }
}

function* examineProxy(
  entry: ProviderEntry,
  { environment, variables, given }: Surroundings,
): Generator<Finding> {
  const { name: provider, addresses } = entry;
  try {
    const address = resolveBaseUrl(entry, given.baseUrl, undefined, variables) ?? addresses[0];
    if (!URL.canParse(address)) return;
    const proxy = findProxy(new URL(address), environment);
    if (proxy)
      yield { about: 'proxy', state: 'ok', told: `${proxy.address}, by ${proxy.variable}`, provider };
  } catch (error) {
    // An address that makes no sense is told with the key, which can't be tried there.
    if (error instanceof LoomError) return;
    if (!(error instanceof ProviderError)) throw error;
    yield { about: 'proxy', state: 'wrong', told: error.message, provider };
  }
}

async function examineKey(
  entry: ProviderEntry,
  { variables, environment, folder, given, headersFor }: Surroundings,
  isMeant: boolean,
  signal: AbortSignal,
): Promise<Finding> {
  const { name: provider, keyVariable } = entry;
  const about = { about: 'key', provider } as const;
  let key: string | undefined;
  try {
    key = given.apiKey === undefined ? nameKey(entry, { environment, folder }) : 'the key that was given';
    const headers = headersFor(provider);
    if (holdsKey(headers)) key = 'the key in a header';
    const choice = { ...given, headers, callTimeoutMs: patienceMs };
    const connection = describeConnection(entry, choice, variables, environment);
    if (!key && !connection.baseUrl) return noKey();
    const opened = await entry.openSync(connection);
    await opened.checkKey?.(signal);
    const models = await opened.listModels(signal);
    const fate = key ? `${key} is taken` : 'no key is needed';
    return { ...about, state: 'ok', told: `${fate}; ${models.length} models${describeAddress(connection)}` };
  } catch (error) {
    if (error instanceof LoomError && error.code === 'key_missing') return noKey();
    if (!(error instanceof LoomError) && !(error instanceof ProviderError)) throw error;
    signal.throwIfAborted();
    const what = error instanceof ProviderError && isRefusedKey(error) ? 'is refused' : 'could not be tried';
    const isOfKeptKey = error instanceof ProviderError && error.isOfKeptKey;
    const advice = isOfKeptKey ? ` Replace it with loom keys set ${provider}.` : '';
    const told = `${key ?? 'its server'} ${what}: ${endSentence(error.message)}${advice}`;
    return { ...about, state: 'wrong', told };
  }

  function noKey(): Finding {
    const told = `no key in ${keyVariable}`;
    return { ...about, state: isMeant ? 'wrong' : 'absent', told: isMeant ? `${told}: set it.` : told };
  }
}

/** `the key in OPENAI_API_KEY of the environment`; undefined where there is none. */
function nameKey(entry: ProviderEntry, places: KeyPlaces): string | undefined {
  const [found] = findKeys(entry, places);
  if (!found) return undefined;
  if (found.source === 'kept') return `the key in ${found.path}`;
  return `the key in ${found.variable} of ${found.source === 'dotenv' ? found.path : 'the environment'}`;
}

function describeAddress({ baseUrl }: { readonly baseUrl?: string | undefined }): string {
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return '';
  const { origin, pathname } = new URL(baseUrl);
  return ` at ${origin}${pathname.replace(/\/$/, '')}`;
}
