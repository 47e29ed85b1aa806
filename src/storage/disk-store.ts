/** A folder on a disk as a store: the files lie in it under their names. */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateFolder, errorCode, removeFile } from './files.ts';
import type { Store } from './store.ts';

const privateFileMode = 0o600;

/** The folder is made when it is missing. LoomError `state` where that can't be; methods throw the system's errors. */
export async function openDiskStore(folder: string): Promise<Store> {
  await ensurePrivateFolder(folder);
  const pathOf = (name: string) => join(folder, name);
  /** What is being written here for a moment; a sweep knows it by its end. */
  const temporaryPath = (name: string) => pathOf(`${name}.${randomBytes(6).toString('hex')}.tmp`);

  return {
    read: (name) => unlessGone(readFile(pathOf(name), 'utf8')),

    async createNew(name, content) {
      const temporary = temporaryPath(name);
      try {
        await writeFile(temporary, content, { flag: 'wx', mode: privateFileMode });
        await link(temporary, pathOf(name));
        return true;
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return false;
        throw error;
      } finally {
        // What it could not remove a sweep does.
        await removeFile(temporary).catch(() => {});
      }
    },

    async rewrite(name, content) {
      const file = await unlessGone(open(pathOf(name), 'r+'));
      if (!file) return false;
      try {
        // In this order a reader never sees an empty file: a shorter content stands whole at the start.
        await file.write(content, 0);
        await file.truncate(Buffer.byteLength(content));
        // One that was deleted meanwhile was written for nobody.
        return (await file.stat()).nlink > 0;
      } finally {
        await file.close();
      }
    },

    list: async (prefix) => (await readdir(folder)).filter((name) => name.startsWith(prefix)).sort(),

    delete: (name) => removeFile(pathOf(name)),

    async age(name) {
      const file = await unlessGone(stat(pathOf(name)));
      return file && (await readDiskTime(temporaryPath('.clock'))) - file.mtimeMs;
    },
  };
}

async function unlessGone<Result>(reading: Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Now, by the clock that stamps the files of a folder: other machines' clocks may be off. */
async function readDiskTime(path: string): Promise<number> {
  const file = await open(path, 'wx', privateFileMode);
  try {
    await file.writeFile('now');
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
    await removeFile(path).catch(() => {});
  }
}
