/** How a command reaches providers and its state: keys, addresses, and the sandbox in their place. */
import { join } from 'node:path';
import { ensureCacheFolder } from '../../cache/cache.ts';
import { LoomError } from '../../core/errors.ts';
import {
  answerTimeoutMs,
  type ConnectionChoice,
  describeConnection,
} from '../../orchestrator/calls/connection.ts';
import type { Connection } from '../../providers/connection.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { folderVariablesPath, isFromFolder, readVariables } from '../../state/keys.ts';
import { ensurePrivateFolder } from '../../storage/files.ts';
import { type LoomHome, loomHome } from '../../storage/home.ts';
import { checkHome, ensureHome } from '../../storage/marks.ts';
import { showAddress } from '../words/addresses.ts';
import { describeRequest } from '../words/request-lines.ts';
import type { CacheOptions, CallOptions, CommandContext, ReachOptions } from './options.ts';

export interface Reach {
  readonly home: LoomHome;
  /** LoomError `key` names the variable when there is no key. */
  connect(entry: ProviderEntry, recordedBaseUrl?: string | undefined): Connection;
  close(): Promise<void>;
}

/** The home of a command's state, as flags, environment and `.env` say. LoomError `state` for a folder that is none. */
export function openHome(
  options: { readonly sandbox?: boolean; readonly cacheDir?: string },
  { environment, workingFolder }: CommandContext,
): LoomHome {
  const home = loomHome({ ...options, variables: readVariables(environment, workingFolder), workingFolder });
  checkHome(home);
  return home;
}

/** Call `close` when the command is over, however it ends. LoomError `state` where a chosen cache can't be. */
export async function openReach(
  options: ReachOptions & CacheOptions & Partial<CallOptions> & { readonly cache?: boolean },
  context: CommandContext,
): Promise<Reach> {
  const home = openHome(options, context);
  if (home.chosenBase !== undefined && options.cache) ensureCacheFolder(home.chosenBase, home.chosenCache);
  tellPlaces(context);
  if (options.sandbox) return openSandboxReach(home, options, context);
  const variables = readVariables(context.environment, context.workingFolder);
  const told = new Set<string>();
  return {
    home,
    connect(entry, recordedBaseUrl) {
      const { apiKey, baseUrl, callTimeout: callTimeoutMs } = options;
      const choice = { apiKey, baseUrl, recordedBaseUrl, callTimeoutMs };
      const connection = describeConnection(entry, choice, variables, context.environment);
      if (!told.has(entry.name)) tellKeyOnItsWay(entry, choice, connection, context);
      told.add(entry.name);
      return followed(connection, context);
    },
    close: async () => {},
  };
}

/** A `.env` may have come with somebody else's project: who says so where state and answers are is told. */
function tellPlaces({ terminal, environment, workingFolder }: CommandContext): void {
  for (const name of ['LOOM_HOME', 'LOOM_CACHE_DIR']) {
    if (!isFromFolder(name, environment, workingFolder)) continue;
    const value = readVariables(environment, workingFolder)[name];
    terminal.warn(`${name} is ${value}, as ${folderVariablesPath(workingFolder)} says.`);
  }
}

/** And so is a key from elsewhere that goes to an address which such a file names. */
function tellKeyOnItsWay(
  entry: ProviderEntry,
  choice: ConnectionChoice,
  { apiKey, baseUrl }: Connection,
  { terminal, environment, workingFolder }: CommandContext,
): void {
  const { keyVariable, baseUrlVariable } = entry;
  if (apiKey === undefined || baseUrl === undefined || (choice.baseUrl ?? choice.recordedBaseUrl)) return;
  if (!isFromFolder(baseUrlVariable, environment, workingFolder)) return;
  const isOfFlag = choice.apiKey !== undefined;
  if (!isOfFlag && isFromFolder(keyVariable, environment, workingFolder)) return;
  const key = isOfFlag ? 'the key of --api-key' : `${keyVariable} of the environment`;
  const path = folderVariablesPath(workingFolder);
  terminal.warn(`${key} goes to ${showAddress(baseUrl)}, which ${path} names as ${baseUrlVariable}.`);
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
  const { sandboxKey, startSandbox } = await import('../../sandbox/server.ts');
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
export async function ensureSandboxFolder(home: LoomHome): Promise<string> {
  const folder = join(home.root, 'providers');
  ensureHome(home);
  await ensurePrivateFolder(folder);
  return folder;
}
