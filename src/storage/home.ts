/** Where the program keeps its state: `~/.loom` or what LOOM_HOME names, and `sandbox` in it for rehearsals. */
import { homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';
import { openDiskStore } from './disk-store.ts';
import { removeFile } from './files.ts';
import type { Store } from './store.ts';

/** The stores and folders, by absolute paths, of one loom home. None needs to exist. */
export interface LoomHome {
  /** How people know the root: `~/.loom`, or the folder that LOOM_HOME names, and for rehearsals `sandbox` in it. */
  readonly label: string;
  readonly root: string;
  /** The folder that bears the mark: the root, or for rehearsals the folder that theirs is in. */
  readonly base: string;
  /** Whether LOOM_HOME names it. */
  readonly isNamed: boolean;
  /** One record per batch. */
  readonly batches: Store;
  /** One record per `loom run`. */
  readonly jobs: Store;
  /** Encoded requests on their way to a provider. */
  readonly requests: string;
  /** What came through stdin, until its job is done. */
  readonly inputs: string;
  /** Answers on their way into an output. */
  readonly results: Store;
  readonly locks: Store;
  /** A small file for each output that was written. */
  readonly history: Store;
  /** A small file for each schema that a server or model has refused. */
  readonly refusals: Store;
  /** Whether this is the state of rehearsals. */
  readonly isSandbox: boolean;
  readonly cache: string;
  /** The cache, where a flag or a variable chose it: records keep it, so that a fetch fills the same. */
  readonly chosenCache: string | undefined;
  /** The folder that was chosen, in which rehearsals have one of their own. */
  readonly chosenBase: string | undefined;
  /** The cache of a job whose record keeps this; a flag of the command comes first. */
  cacheOf(recorded: string | null | undefined): string;
  /**
   * Asked right before each step that others would see: a file under this home that is written, renamed or deleted, and
   * whatever is created at a provider. Throws LockLostError when the work is another process's by now.
   */
  ensureHeld(): Promise<void>;
}

/** Removes a file of this home; one that is gone already is no error. Throws as `ensureHeld` and `removeFile` do. */
export async function removeHeld(home: Pick<LoomHome, 'ensureHeld'>, path: string): Promise<void> {
  await home.ensureHeld();
  await removeFile(path);
}

/** Deletes a file of a store of this home; the same holds. */
export async function deleteHeld(
  home: Pick<LoomHome, 'ensureHeld'>,
  store: Store,
  name: string,
): Promise<void> {
  await home.ensureHeld();
  await store.delete(name);
}

/** The home as whoever holds a lock sees it: nothing is written any more once that is lost. */
export function holdHome(home: LoomHome, lock: Pick<LoomHome, 'ensureHeld'>): LoomHome {
  return {
    ...home,
    async ensureHeld() {
      await home.ensureHeld();
      await lock.ensureHeld();
    },
  };
}

export interface HomeOptions {
  /** For rehearsals: its answers must not be taken for a model's. */
  readonly sandbox?: boolean | undefined;
  /** `--cache-dir`. */
  readonly cacheDir?: string | undefined;
  /** LOOM_HOME and LOOM_CACHE_DIR are read here; an empty one counts as absent. */
  readonly variables: NodeJS.ProcessEnv;
  /** What relative paths are taken from. */
  readonly workingFolder: string;
}

export function loomHome({ sandbox, cacheDir, variables, workingFolder }: HomeOptions): LoomHome {
  const locate = (path: string) => resolve(workingFolder, expandHome(path, variables));
  const real = locate(variables.LOOM_HOME || '~/.loom');
  const root = sandbox ? join(real, 'sandbox') : real;
  const chosen = cacheDir || variables.LOOM_CACHE_DIR;
  const chosenBase = chosen ? locate(chosen) : undefined;
  const chosenCache = chosenBase === undefined ? undefined : join(chosenBase, sandbox ? 'sandbox' : '');
  const cache = chosenCache ?? join(root, 'cache');
  return {
    label: variables.LOOM_HOME ? root : sandbox ? '~/.loom/sandbox' : '~/.loom',
    root,
    base: real,
    isNamed: Boolean(variables.LOOM_HOME),
    batches: openDiskStore(join(root, 'batches')),
    jobs: openDiskStore(join(root, 'jobs')),
    requests: join(root, 'requests'),
    inputs: join(root, 'inputs'),
    results: openDiskStore(join(root, 'results')),
    locks: openDiskStore(join(root, 'locks')),
    history: openDiskStore(join(root, 'history')),
    refusals: openDiskStore(join(root, 'refusals')),
    isSandbox: sandbox ?? false,
    cache,
    chosenCache,
    chosenBase,
    cacheOf: (recorded) => (cacheDir || !recorded ? cache : locate(recorded)),
    ensureHeld: async () => {},
  };
}

/** The path with the person's home in place of a `~` at its start. */
export function expandHome(path: string, variables: NodeJS.ProcessEnv): string {
  const named = platform() === 'win32' ? variables.USERPROFILE : variables.HOME;
  return path.replace(/^~(?=$|[/\\])/, () => named || homedir());
}
