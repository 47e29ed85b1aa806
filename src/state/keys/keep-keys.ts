/** Puts keys into `keys.json`, and takes them out: one process at a time, and the file is the old one or the whole new one. */
import { statSync } from 'node:fs';
import { platform } from 'node:os';
import { LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { quoteShell } from '../../core/shell.ts';
import { removeFile, writeFileAtomic } from '../../storage/files.ts';
import { loomHome } from '../../storage/home.ts';
import { waitForLock } from '../../storage/locks.ts';
import { ensureHome } from '../../storage/marks.ts';
import { type KeptKeys, keptKeysPath, readKeptKeys } from './kept-keys.ts';

export interface KeyPlace {
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Whether there was a key of this provider before. LoomError `key` as `readKeptKeys` has it, `state` where the disk refuses. */
export function keepKey(provider: ProviderName, key: string, place: KeyPlace): Promise<boolean> {
  return changeKeys(place, (keys) => {
    const wasThere = keys.has(provider);
    keys.set(provider, key);
    return wasThere;
  });
}

/** Whether there was one to take out; the same holds. */
export async function dropKey(provider: ProviderName, place: KeyPlace): Promise<boolean> {
  // Where there is nothing to take out, no folder is made.
  if (!readKeptKeys(place.environment).has(provider)) return false;
  return changeKeys(place, (keys) => keys.delete(provider));
}

const lockName = 'keys';

async function changeKeys<Result>(
  { environment, signal }: KeyPlace,
  change: (keys: KeptKeys) => Result,
): Promise<Result> {
  const { HOME, USERPROFILE } = environment;
  const home = loomHome({ variables: { HOME, USERPROFILE }, workingFolder: '/' });
  ensureHome(home);
  refuseOpenFolder(home.root);
  const lock = await waitForLock(home.locks, lockName, signal, () => {});
  try {
    const keys = readKeptKeys(environment);
    const result = change(keys);
    await lock.ensureHeld();
    await writeKeys(keptKeysPath(environment), keys);
    return result;
  } finally {
    await lock.forget();
  }
}

async function writeKeys(path: string, keys: KeptKeys): Promise<void> {
  if (keys.size === 0) return removeFile(path);
  await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(keys), null, 2)}\n`);
}

const othersWriteMode = 0o022;

/** Who may write to the folder may put other keys in the place of these. */
function refuseOpenFolder(folder: string): void {
  if (platform() === 'win32' || (statSync(folder).mode & othersWriteMode) === 0) return;
  throw new LoomError('key', `other users of this machine can write to ${folder}, where keys would lie.`, {
    hint: `Run chmod 700 ${quoteShell(folder)}, or give the key by the environment.`,
  });
}
