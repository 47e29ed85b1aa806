/** The sandbox's files: small JSON records and large bodies, in folders that several sandboxes may share at once. */
import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
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

/** Takes the next part of a file. */
export type Write = (chunk: Buffer | string) => Promise<void>;

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
      if (error.code !== 'ENOENT') throw error;
    });
    if (text === undefined) return undefined;
    const record = parseJson(text);
    if (isObject(record) && record.id === id) return record as unknown as Kept;
    throw new Error(`${path} is not a record of the sandbox. Delete it.`);
  }

  /** Writes a record whole or not at all: another process may be reading it. */
  async write(record: Kept): Promise<void> {
    await this.#writeFile('json', async (write) => {
      await write(JSON.stringify(record));
      return record;
    });
  }

  /** Writes a body, which is kept under the id of what `fill` gives; nothing is left when that throws. */
  writeBody<Made extends { readonly id: string }>(fill: (write: Write) => Promise<Made>): Promise<Made> {
    return this.#writeFile('body', fill);
  }

  async #writeFile<Made extends { readonly id: string }>(
    ending: 'json' | 'body',
    fill: (write: Write) => Promise<Made>,
  ): Promise<Made> {
    const path = join(this.#folder, `${newId()}.part`);
    const handle = await inFolder(this.#folder, () => open(path, 'wx', 0o600));
    try {
      const made = await fill((chunk) => handle.writeFile(chunk)).finally(() => handle.close());
      await rename(path, join(this.#folder, `${made.id}.${ending}`));
      return made;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Gives a file a second name as a body, at no cost: a batch keeps its requests when the uploaded file is deleted. */
  async linkBody(source: string, id: string): Promise<void> {
    await inFolder(this.#folder, () =>
      link(source, this.bodyPath(id)).catch(() => copyFile(source, this.bodyPath(id))),
    );
  }

  /** Deletes a record and its body. */
  async remove(id: string): Promise<void> {
    await rm(join(this.#folder, `${id}.json`), { force: true });
    await rm(this.bodyPath(id), { force: true });
  }

  /** Up to so many records that are older than the one of an id, newest first; whether there are more of them. */
  async page(
    size: number,
    after: string | null,
    isWanted: (record: Kept) => boolean,
  ): Promise<{ readonly records: readonly Kept[]; readonly hasMore: boolean }> {
    const names = (await listFolder(this.#folder)).filter((name) => name.endsWith('.json'));
    const records: Kept[] = [];
    for (const name of names.sort().reverse()) {
      const id = name.slice(0, -'.json'.length);
      const record = after === null || id < after ? await this.read(id) : undefined;
      if (record === undefined || !isWanted(record)) continue;
      if (records.length === size) return { records, hasMore: true };
      records.push(record);
    }
    return { records, hasMore: false };
  }
}

/** Does what makes a file, in a folder that is made when it is missing. */
async function inFolder<Done>(folder: string, makeFile: () => Promise<Done>): Promise<Done> {
  return makeFile().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return makeFile();
  });
}

/** The names in a folder; none where it is missing. */
async function listFolder(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
}

/** One folder of everything. */
export class Store {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Clears away what is older than a week. */
  async prepare(): Promise<void> {
    const before = Date.now() - keptMs;
    for (const folder of vendorNames.flatMap((vendor) =>
      kinds.map((kind) => join(this.#dir, vendor, kind)),
    )) {
      for (const name of await listFolder(folder)) {
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
