/** The sandbox's files: small JSON records and large bodies, in folders that several sandboxes may share at once. */
import { randomBytes } from 'node:crypto';
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
} from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, parseJson } from '../http/http.ts';
import { type VendorName, vendorNames } from '../vendors.ts';

const kinds = ['files', 'uploads', 'batches'] as const;

/** Longer than any vendor keeps a running batch, so that a forgotten rehearsal does not fill the disk. */
const keptMs = 7 * 24 * 3600 * 1000;

let issued = 0;

/** An id that sorts by the time it was made, also among sandboxes that share a folder; 21 hex digits. */
export function newId(): string {
  issued = (issued + 1) % 0x10000;
  const time = Date.now().toString(16).padStart(11, '0');
  return `${time}${issued.toString(16).padStart(4, '0')}${randomBytes(3).toString('hex')}`;
}

/** A file that is being written; it appears under its name only when it is kept. */
export class FileSink {
  readonly #handle: FileHandle;
  readonly #path: string;
  #isOpen = true;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async write(chunk: Buffer | string): Promise<void> {
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
    if (this.#isOpen) await this.#handle.close();
    this.#isOpen = false;
  }
}

/** A page of records, in the order in which they were asked for. */
interface Page<Kept> {
  readonly records: Kept[];
  /** There are others behind the last one. */
  readonly hasMore: boolean;
}

/** The records and bodies of one kind at one vendor, by id. */
export class Collection<Kept extends { readonly id: string }> {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Where the body that belongs to an id is. */
  bodyPath(id: string): string {
    return join(this.#folder, `${id}.body`);
  }

  /** The record of an id, or undefined. */
  async read(id: string): Promise<Kept | undefined> {
    // Ids come from outside: none may become a path elsewhere.
    if (!/^[A-Za-z0-9_-]{1,100}$/.test(id)) return undefined;
    const path = join(this.#folder, `${id}.json`);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const record = parseJson(text);
    if (isObject(record) && record.id === id) return record as unknown as Kept;
    throw new Error(`${path} is no record of the sandbox. Delete it.`);
  }

  /** Writes a record whole or not at all: another process may be reading it. */
  async write(record: Kept): Promise<void> {
    const sink = await this.newBody();
    await sink.write(JSON.stringify(record));
    await sink.keep(join(this.#folder, `${record.id}.json`));
  }

  /** Deletes a record and its body. */
  async remove(id: string): Promise<void> {
    await rm(join(this.#folder, `${id}.json`), { force: true });
    await rm(this.bodyPath(id), { force: true });
  }

  /** A new body, to be written and then kept at the path of an id. */
  async newBody(): Promise<FileSink> {
    const path = join(this.#folder, `${newId()}.part`);
    return new FileSink(await open(path, 'wx', 0o600), path);
  }

  /** Gives a body a second name at no cost, so that a batch keeps its requests when the uploaded file is deleted. */
  async linkBody(source: string, id: string): Promise<void> {
    await link(source, this.bodyPath(id)).catch(() => copyFile(source, this.bodyPath(id)));
  }

  /** Records newest first: those older than the one of an id, or the newer ones nearest to it. */
  async page(
    size: number,
    { after, before }: { after?: string | null; before?: string | null } = {},
    isWanted: (record: Kept) => boolean = () => true,
  ): Promise<Page<Kept>> {
    const ids = await this.#idsNewestFirst();
    const there = before
      ? ids.filter((id) => id > before).reverse()
      : ids.filter((id) => !after || id < after);
    const records: Kept[] = [];
    for (const id of there) {
      const record = await this.read(id);
      if (record !== undefined && isWanted(record)) records.push(record);
      if (records.length > size) break;
    }
    const shown = records.slice(0, size);
    return { records: before ? shown.reverse() : shown, hasMore: records.length > size };
  }

  async #idsNewestFirst(): Promise<string[]> {
    const names = await readdir(this.#folder);
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    return ids.sort().reverse();
  }
}

/** One folder of everything. */
export class Store {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes the folders and clears away what is older than a week. */
  async prepare(): Promise<void> {
    const before = Date.now() - keptMs;
    for (const folder of vendorNames.flatMap((vendor) =>
      kinds.map((kind) => join(this.#dir, vendor, kind)),
    )) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const name of await readdir(folder)) {
        const made = Number.parseInt(/[0-9a-f]{21}/.exec(name)?.[0].slice(0, 11) ?? '', 16);
        if (made < before) await rm(join(folder, name), { force: true });
      }
    }
  }

  collection<Kept extends { readonly id: string }>(
    vendor: VendorName,
    kind: (typeof kinds)[number],
  ): Collection<Kept> {
    return new Collection(join(this.#dir, vendor, kind));
  }
}
