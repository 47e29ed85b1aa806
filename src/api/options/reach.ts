/** How a verb reaches providers and the state on disk: by its options, else by the environment; by `.env` only if it is told to. */

import { join } from 'node:path';
import { ensureCacheFolder } from '../../cache/cache-folders.ts';
import { LoomError } from '../../core/errors.ts';
import type { EventOf } from '../../core/models.ts';
import { type ProviderName, sandboxKey } from '../../core/names.ts';
import { type GivenHeaders, holdsKey, listMissing, pickHeaders } from '../../core/request/headers.ts';
import { type ConnectionChoice, describeConnection } from '../../orchestrator/calls/connection.ts';
import type { RetryEvent } from '../../orchestrator/calls/retry.ts';
import type { Connection, RequestNotice } from '../../providers/connection.ts';
import { readOwnProfiles } from '../../providers/openai/own-profiles.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import {
  currentOwnProviders,
  type OwnProviders,
  openOwnProviders,
  providerEntry,
  providerNames,
  withOwnProviders,
} from '../../providers/registry.ts';
import { findKeyVariable, folderVariablesPath, isFromFolder, readVariables } from '../../state/keys/keys.ts';
import { ensurePrivateFolder } from '../../storage/files.ts';
import { readHandwrittenJson } from '../../storage/handwritten-json.ts';
import { type LoomHome, loomHome } from '../../storage/home.ts';
import { checkHome, ensureHome } from '../../storage/marks.ts';
import { headersOfVariable, headersVariable, openHeaders } from './headers.ts';
import type { CallOptions, OutputOptions, ReachOptions } from './options.ts';

export interface Reach {
  readonly home: LoomHome;
  /** What relative paths are taken from. */
  readonly workingFolder: string;
  readonly variables: NodeJS.ProcessEnv;
  /** LoomError `key` names the variable when there is no key. */
  connect(provider: ProviderName, recordedBaseUrl?: string, recordedHeaders?: readonly string[]): Connection;
  /** What is sent to it beside what loom says by itself. */
  headersFor(provider: ProviderName): GivenHeaders;
}

export type { RetryEvent };

/** What is told of the way to a provider. */
export type ReachEvent =
  /** A `.env`, which may have come with somebody else's project, says where state or answers are. */
  | EventOf<'place_of_folder', { name: string; value: string; path: string }>
  /** A key from elsewhere, of this variable, of `apiKey` or one that is kept, goes to an address that such a file names. */
  | EventOf<
      'key_to_folder',
      {
        keyVariable: string | undefined;
        isKept: boolean;
        baseUrl: string;
        baseUrlVariable: string;
        path: string;
      }
    >
  /** Headers from elsewhere go to an address that such a file names. */
  | EventOf<
      'headers_to_folder',
      { names: readonly string[]; baseUrl: string; baseUrlVariable: string; path: string }
    >
  /** A header of such a file takes the place of a key from elsewhere. */
  | EventOf<'key_of_folder', { name: string; provider: ProviderName; path: string }>
  /** A batch of this provider was submitted with headers that are not given now; told ahead of the first call. */
  | EventOf<'headers_missing', { provider: ProviderName; names: readonly string[] }>
  /** `what` nobody has verified of a provider that there is no output of yet. */
  | EventOf<'unverified', { provider: ProviderName; title: string; what: string }>
  /** A request was answered, or was not; told with `requests`. */
  | EventOf<'request', RequestNotice>;

/** Where the state is. Looks at nothing. */
export function locateHome(options: ReachOptions): LoomHome {
  const { sandbox, cacheDir } = options;
  const place = { variables: variablesOf(options), workingFolder: workingFolderOf(options) };
  return loomHome({ sandbox: Boolean(sandbox), cacheDir, ...place });
}

/**
 * Does work that knows a person's own providers: those of `home`, else of the LOOM_HOME that the environment names, never
 * of one that the `.env` of a folder does.
 */
export function withProviders<Result>(options: ReachOptions, work: (own: OwnProviders) => Result): Result {
  const { environment, workingFolder } = surroundingsOf(options);
  const variables = options.home === undefined ? environment : { ...environment, LOOM_HOME: options.home };
  const path = join(loomHome({ variables, workingFolder }).base, 'providers.json');
  // What a verb does within a command knows the file as the command has read it.
  const known = currentOwnProviders();
  if (known?.path === path) return work(known);
  const own = openOwnProviders(path, () => readOwnProfiles(path, readHandwrittenJson(path) ?? {}));
  return withOwnProviders(own, () => work(own));
}

/** LoomError `usage` for one that there is not: a program without types may pass anything. */
export function findProvider(provider: ProviderName, options: ReachOptions): ProviderEntry {
  return withProviders(options, () => providerEntry(provider));
}

/** The same of what may name one, within work that knows a person's own. */
export function requireProvider(named: object): void {
  if ('provider' in named && typeof named.provider === 'string') providerEntry(named.provider);
}

/** The names of all that there are. */
export function listProviderNames(options: ReachOptions): readonly ProviderName[] {
  return withProviders(options, providerNames);
}

/** LoomError `state` for a home that is somebody else's folder. */
export function openHome(options: ReachOptions): LoomHome {
  const home = locateHome(options);
  checkHome(home);
  return home;
}

/** The variables that count: of the environment, and where it is told to of the working folder's `.env`. */
export function variablesOf(options: ReachOptions): NodeJS.ProcessEnv {
  const { home, dotenv } = options;
  const { environment, workingFolder } = surroundingsOf(options);
  const variables = dotenv ? readVariables(environment, workingFolder) : environment;
  return home === undefined ? variables : { ...variables, LOOM_HOME: home };
}

export function workingFolderOf({ workingFolder }: ReachOptions): string {
  return workingFolder ?? process.cwd();
}

/** Where a verb takes place, as its caller says or the process does. */
export function surroundingsOf(options: ReachOptions) {
  return { environment: options.environment ?? process.env, workingFolder: workingFolderOf(options) };
}

export function nodeVersion(): string {
  return process.versions.node;
}

export type Reaching = ReachOptions & CallOptions & Pick<OutputOptions, 'cache'> & ListeningTo<ReachEvent>;

/** Does the work of a verb, which ends with the reason of the caller's signal when that is aborted. */
export async function withReach<Result>(
  options: Reaching,
  work: (reach: Reach, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  refuseOldEvents(options);
  return withProviders(options, () =>
    underSignal(options.signal, async (signal) => work(openReach(options), signal)),
  );
}

/** A program without types may be one of before, and would wait for events that never come. */
function refuseOldEvents(options: object): void {
  if (!('events' in options) || options.events === undefined) return;
  throw new LoomError('usage', 'events is not an option any more.', {
    hint: 'Pass onEvent, a function that is told of each event; event.type says what it is.',
  });
}

/** Whoever calls is told of these. */
export interface ListeningTo<Event> {
  readonly onEvent?: ((event: Event) => void) | undefined;
}

function openReach(options: Reaching): Reach {
  const { sandbox, onEvent = () => {} } = options;
  const { environment, workingFolder } = surroundingsOf(options);
  const home = openHome(options);
  if (home.chosenBase !== undefined && options.cache) ensureCacheFolder(home.chosenBase, home.chosenCache);
  const variables = variablesOf(options);
  if (options.dotenv) tellPlaces(variables, options);
  const told = new Set<ProviderName>();
  const missed = new Set<string>();
  const headersFor = openHeaders(options.headers, variables);
  const onRequest = (notice: RequestNotice) => onEvent({ type: 'request', ...notice });
  return {
    home,
    workingFolder,
    variables,
    headersFor,
    connect(provider, recordedBaseUrl, recordedHeaders) {
      const { apiKey, baseUrl, callTimeoutMs } = options;
      const headers = headersFor(provider, recordedHeaders);
      const choice =
        typeof sandbox === 'object'
          ? { apiKey: apiKey ?? sandboxKey, baseUrl: sandbox[provider], headers, callTimeoutMs }
          : { apiKey, baseUrl, recordedBaseUrl, headers, callTimeoutMs };
      const entry = providerEntry(provider);
      const connection = describeConnection(entry, choice, variables, environment);
      if (options.dotenv && !told.has(provider)) {
        tellKeyOnItsWay(provider, choice, connection, options);
        tellHeadersOnTheirWay(provider, choice, connection, options);
      }
      told.add(provider);
      const names = listMissing(recordedHeaders ?? [], headers);
      const missing = [provider, ...names].join(' ');
      if (names.length > 0 && !missed.has(missing)) onEvent({ type: 'headers_missing', provider, names });
      missed.add(missing);
      return options.requests ? { ...connection, onRequest } : connection;
    },
  };
}

function tellPlaces(variables: NodeJS.ProcessEnv, options: Reaching): void {
  const { environment, workingFolder } = surroundingsOf(options);
  const path = folderVariablesPath(workingFolder);
  for (const name of ['LOOM_HOME', 'LOOM_CACHE_DIR']) {
    if (isFromFolder(name, environment, workingFolder))
      options.onEvent?.({ type: 'place_of_folder', name, value: variables[name] ?? '', path });
  }
}

function tellKeyOnItsWay(
  provider: ProviderName,
  choice: ConnectionChoice,
  { apiKey, baseUrl }: Connection,
  options: Reaching,
): void {
  const { environment, workingFolder } = surroundingsOf(options);
  const entry = providerEntry(provider);
  const { baseUrlVariable } = entry;
  if (apiKey === undefined || baseUrl === undefined || (choice.baseUrl ?? choice.recordedBaseUrl)) return;
  if (!isFromFolder(baseUrlVariable, environment, workingFolder)) return;
  const isOfOption = choice.apiKey !== undefined;
  const keyVariable = isOfOption ? undefined : findKeyVariable(entry, variablesOf(options));
  if (keyVariable && isFromFolder(keyVariable, environment, workingFolder)) return;
  const path = folderVariablesPath(workingFolder);
  const key = { keyVariable, isKept: !isOfOption && keyVariable === undefined };
  options.onEvent?.({ type: 'key_to_folder', ...key, baseUrl, baseUrlVariable, path });
}

/** What headers of elsewhere go to an address of a `.env`, and what of a `.env` takes the place of a key of elsewhere. */
function tellHeadersOnTheirWay(
  provider: ProviderName,
  choice: ConnectionChoice,
  { apiKey, baseUrl }: Connection,
  options: Reaching,
): void {
  const { environment, workingFolder } = surroundingsOf(options);
  const path = folderVariablesPath(workingFolder);
  const entry = providerEntry(provider);
  const { baseUrlVariable } = entry;
  const isOfFolder = isFromFolder(headersVariable, environment, workingFolder);
  const found = headersOfVariable(variablesOf(options), provider);
  const elsewhere = pickHeaders(provider, isOfFolder ? {} : found, options.headers ?? {});
  const names = Object.keys(elsewhere);
  const isAddressOfFolder =
    (choice.baseUrl ?? choice.recordedBaseUrl) === undefined &&
    isFromFolder(baseUrlVariable, environment, workingFolder);
  if (names.length > 0 && baseUrl !== undefined && isAddressOfFolder)
    options.onEvent?.({ type: 'headers_to_folder', names, baseUrl, baseUrlVariable, path });
  const keyVariable = findKeyVariable(entry, variablesOf(options));
  const isKeyOfFolder =
    choice.apiKey === undefined &&
    keyVariable !== undefined &&
    isFromFolder(keyVariable, environment, workingFolder);
  const [taking] = Object.keys(found).filter((name) => holdsKey({ [name]: '' }));
  if (isOfFolder && taking !== undefined && apiKey !== undefined && !isKeyOfFolder)
    options.onEvent?.({ type: 'key_of_folder', name: taking, provider, path });
}

/** Where a stand-in for the providers keeps its files. LoomError `state` where that can't be made. */
export async function ensureSandboxFolder(options: ReachOptions): Promise<string> {
  const home = locateHome({ ...options, sandbox: true });
  const folder = join(home.root, 'providers');
  ensureHome(home);
  await ensurePrivateFolder(folder);
  return folder;
}

export async function underSignal<Result>(
  given: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  given?.throwIfAborted();
  // The stories tell an interruption by its class, whatever the caller's reason is.
  const isOurs = () => given?.reason instanceof LoomError;
  const stop = new AbortController();
  const onAbort = () =>
    stop.abort(isOurs() ? given?.reason : new LoomError('interrupted', 'aborted by the caller.'));
  given?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!isOurs()) given?.throwIfAborted();
    throw error;
  } finally {
    given?.removeEventListener('abort', onAbort);
  }
}
