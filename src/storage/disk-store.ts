/** A folder on a disk as a store: the files lie in it under their names. It is made when the first of them is written. */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { type FileHandle, link, lstat, open, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateFolder, errorCode, isGone, removeFile, writeFileAtomic } from './files.ts';
import { openPlainFile, readPlainText, streamPlainFile } from './plain-file.ts';
import type { OpenFile, Store } from './store.ts';

const privateFileMode = 0o600;
/** What is being written for a moment: by `write` with a dot before its name. */
const leftover = /^\.?(?<name>.*)\.[0-9a-f]{12}\.tmp$/s;
const clockName = '.clock';

/** LoomError `state` where the folder can't be made, or a file not removed; otherwise methods throw the system's errors. */
export function openDiskStore(folder: string): Store {
  const locate = (name: string) => join(folder, name);
  const temporaryPath = (name: string) => locate(`${name}.${randomBytes(6).toString('hex')}.tmp`);

  return {
    locate,

    // Synchronous below: state is many small files, and each trip through the thread pool costs more than a read.
    read: (name) => unlessGone(async () => readPlainText(locate(name))),

    readEnds: (name, { first, last }) =>
      unlessGone(async () => {
        const file = openPlainFile(locate(name));
        try {
          const { size } = fstatSync(file);
          return { size, first: readAt(file, 0, first), last: readAt(file, Math.max(0, size - last), last) };
        } finally {
          closeSync(file);
        }
      }),

    stream: (name) => streamPlainFile(locate(name)),

    open: async (name) => placed(await open(locate(name), 'r')),

    async grow(name) {
      await ensurePrivateFolder(folder);
      const file = await open(locate(name), 'ax+', privateFileMode);
      return { ...placed(file), append: async (bytes) => (await file.write(bytes)).bytesWritten };
    },

    async rename(name, to) {
      try {
        await rename(locate(name), locate(to));
        return true;
      } catch (error) {
        if (isGone(error)) return false;
        throw error;
      }
    },

    async write(name, content, options) {
      await ensurePrivateFolder(folder);
      await writeFileAtomic(locate(name), content, options);
    },

    async createNew(name, content) {
      await ensurePrivateFolder(folder);
      const temporary = temporaryPath(name);
      try {
        await writeFile(temporary, content, { flag: 'wx', mode: privateFileMode });
        await link(temporary, locate(name));
        return true;
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return false;
        throw error;
      } finally {
        // What it could not remove `clear` does.
        await removeFile(temporary).catch(() => {});
      }
    },

    async rewrite(name, content) {
      const file = await unlessGone(() => open(locate(name), 'r+'));
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

    list: async (prefix) =>
      ((await unlessGone(() => readdir(folder))) ?? [])
        .filter((name) => name.startsWith(prefix) && !leftover.test(name))
        .sort(),

    delete: (name) => removeFile(locate(name)),

    async age(name) {
      const file = await unlessGone(() => stat(locate(name)));
      return file && (await readDiskTime(temporaryPath(clockName))) - file.mtimeMs;
    },

    async clear(names, milliseconds) {
      // Through a link lies what nobody meant for us.
      const isFolder = (await lstat(folder).catch(() => undefined))?.isDirectory();
      for (const entry of isFolder ? await readdir(folder).catch(() => []) : []) {
        const name = leftover.exec(entry)?.groups?.name;
        if (name === undefined || !(names.test(name) || `.${name}` === clockName)) continue;
        const file = await lstat(locate(entry)).catch(() => undefined);
        const isOld = file?.isFile() && Date.now() - file.mtimeMs > milliseconds;
        if (isOld) await removeFile(locate(entry)).catch(() => {});
      }
    },
  };
}

function placed(file: FileHandle): OpenFile {
  return {
    readAt: (buffer, position) => readSync(file.fd, buffer, 0, buffer.length, position),
    close: () => file.close(),
  };
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}

async function unlessGone<Result>(reading: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await reading();
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
