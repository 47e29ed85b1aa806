/** The sandbox's files: small JSON records and large bodies, in folders that several sandboxes may share at once. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type VendorName, vendorNames } from './vendors.ts';

export type Shelf = `${VendorName}/${(typeof shelfKinds)[number]}`;

const shelfKinds = ['files', 'uploads', 'batches'] as const;
const shelves = vendorNames.flatMap((vendor) => shelfKinds.map((kind): Shelf => `${vendor}/${kind}`));

/** Longer than any vendor keeps a running batch, so that a forgotten rehearsal does not fill the disk. */
const keptMs = 7 * 24 * 3600 * 1000;

let issued = 0;

/** An id that sorts by the time it was made, also among sandboxes that share a folder; 21 hex digits. */
export function newId(): string {
  issued = (issued + 1) % 0x10000;
  const time = Date.now().toString(16).padStart(11, '0');
  return `${time}${issued.toString(16).padStart(4, '0')}${randomBytes(3).toString('hex')}`;
}

/** True for an id that may be part of a file name. Ids come from outside: none may become a path elsewhere. */
function isPlainId(id: string): boolean {
  return /^[A-Za-z0-9_-]{1,100}$/.test(id);
}

/** A file that is being written; it appears under its name only when it is kept. */
export class FileSink {
  readonly #handle: FileHandle;
  readonly #path: string;
  bytes = 0;
  #closed = false;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async write(chunk: Buffer): Promise<void> {
    this.bytes += chunk.length;
    await this.#handle.writeFile(chunk);
  }

  async keep(name: string): Promise<void> {
    await this.#close();
    await rename(this.#path, name);
  }

  /** Leaves nothing behind; harmless after `keep`. */
  async discard(): Promise<void> {
    await this.#close();
    await rm(this.#path, { force: true });
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}

/** One folder of records and bodies, by shelf and id. */
export class Store {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes the folders and clears away what is older than a week. */
  async prepare(): Promise<void> {
    for (const shelf of shelves) {
      await mkdir(join(this.#dir, shelf), { recursive: true, mode: 0o700 });
      await this.#sweep(shelf);
    }
  }

  async #sweep(shelf: Shelf): Promise<void> {
    const before = Date.now() - keptMs;
    for (const name of await readdir(join(this.#dir, shelf))) {
      const made = Number.parseInt(/[0-9a-f]{21}/.exec(name)?.[0].slice(0, 11) ?? '', 16);
      if (made < before) await rm(join(this.#dir, shelf, name), { force: true });
    }
  }

  /** Where the body that belongs to an id is. */
  bodyPath(shelf: Shelf, id: string): string {
    return join(this.#dir, shelf, `${id}.body`);
  }

  /** The record of an id, or undefined. */
  async read<Type>(shelf: Shelf, id: string): Promise<Type | undefined> {
    if (!isPlainId(id)) return undefined;
    try {
      return JSON.parse(await readFile(this.#recordPath(shelf, id), 'utf8')) as Type;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Writes a record whole or not at all: another process may be reading it. */
  async write(shelf: Shelf, id: string, record: unknown): Promise<void> {
    const sink = await this.newBody(shelf);
    await sink.write(Buffer.from(JSON.stringify(record)));
    await sink.keep(this.#recordPath(shelf, id));
  }

  /** Deletes a record and its body. */
  async remove(shelf: Shelf, id: string): Promise<void> {
    await rm(this.#recordPath(shelf, id), { force: true });
    await rm(this.bodyPath(shelf, id), { force: true });
  }

  /** A new body, to be written and then kept under an id. */
  async newBody(shelf: Shelf): Promise<FileSink> {
    const path = join(this.#dir, shelf, `${newId()}.part`);
    return new FileSink(await open(path, 'wx', 0o600), path);
  }

  /** A body as it is. */
  readBody(shelf: Shelf, id: string): AsyncIterable<Buffer> {
    return createReadStream(this.bodyPath(shelf, id), { highWaterMark: 256 * 1024 });
  }

  /** Opens a body that grows over several calls, to add to its end. */
  async appendBody(shelf: Shelf, id: string): Promise<FileHandle> {
    return open(this.bodyPath(shelf, id), 'a', 0o600);
  }

  /** Bytes of a body; 0 when there is none yet. */
  async bodyBytes(shelf: Shelf, id: string): Promise<number> {
    try {
      return (await stat(this.bodyPath(shelf, id))).size;
    } catch {
      return 0;
    }
  }

  /** Gives a body a second name at no cost, so that a batch keeps its requests when the uploaded file is deleted. */
  async linkBody(from: { shelf: Shelf; id: string }, to: { shelf: Shelf; id: string }): Promise<void> {
    const source = this.bodyPath(from.shelf, from.id);
    const target = this.bodyPath(to.shelf, to.id);
    await link(source, target).catch(() => copyFile(source, target));
  }

  /** Moves a body to another shelf. */
  async moveBody(from: { shelf: Shelf; id: string }, to: { shelf: Shelf; id: string }): Promise<void> {
    await rename(this.bodyPath(from.shelf, from.id), this.bodyPath(to.shelf, to.id));
  }

  /** Every id of a shelf, newest first. */
  async idsNewestFirst(shelf: Shelf): Promise<string[]> {
    const names = await readdir(join(this.#dir, shelf));
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    return ids.sort().reverse();
  }

  /** The records of a shelf, newest first. */
  async *recordsNewestFirst<Type>(shelf: Shelf): AsyncGenerator<Type> {
    for (const id of await this.idsNewestFirst(shelf)) {
      const record = await this.read<Type>(shelf, id);
      if (record !== undefined) yield record;
    }
  }

  /** The records of a shelf behind the one that a token names, newest first, and the token of the page after them. */
  async page<Type>(
    shelf: Shelf,
    size: number,
    token: string | null,
  ): Promise<{ records: Type[]; next: string | undefined }> {
    const ids = (await this.idsNewestFirst(shelf)).filter((id) => token === null || id < token);
    const shown = ids.slice(0, size);
    const records = await Promise.all(shown.map((id) => this.read<Type>(shelf, id)));
    const next = ids.length > shown.length ? shown.at(-1) : undefined;
    return { records: records.filter((record) => record !== undefined) as Type[], next };
  }

  #recordPath(shelf: Shelf, id: string): string {
    return join(this.#dir, shelf, `${id}.json`);
  }
}
