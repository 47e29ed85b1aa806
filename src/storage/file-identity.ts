/**
 * How to know a file again that this program wrote. An inode alone proves nothing: the disk gives it to the next file
 * when one is deleted, other disks have the same numbers, and a file may be edited in place. So a file counts as the
 * same only when its bytes are, whoever moved, copied or restored it since; where that can't be told, it is another.
 */

import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { number, object, optional, string, type ValueOf } from '../core/shapes/shapes.ts';
import { hashFile } from './files.ts';

export const fileIdentityShape = object({
  /** The number that the disk gave the file; it stays when the file is renamed. */
  inode: number,
  /** Bytes. Not in identities of older versions, which noted the inode alone. */
  size: optional(number),
  /** Of the bytes, in hex. Not in identities of older versions. */
  sha256: optional(string),
});
export type FileIdentity = ValueOf<typeof fileIdentityShape>;

/** Where a file is, with its links resolved, and what tells without a look at its bytes that it is as it was. */
export async function observeFile(path: string): Promise<{ path: string; size: number; mtimeMs: number }> {
  const real = await realpath(path);
  const { size, mtimeMs } = await stat(real);
  return { path: real, size, mtimeMs };
}

/** Makes the identity of a file from its bytes as they are written: it is not read for that. */
export class WrittenBytes {
  readonly #hash = createHash('sha256');
  #size = 0;

  /** Takes note of the next of them. */
  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** The identity of the file at this path, to which all of them went. To be asked for once. */
  async identify(path: string): Promise<FileIdentity> {
    const { ino } = await stat(path);
    return { inode: ino, size: this.#size, sha256: this.#hash.digest('hex') };
  }
}

/** Whether the file at this path is the one that was identified; false also where there is none, or it can't be read. */
export async function isIdentifiedFile(path: string, known: FileIdentity): Promise<boolean> {
  const file = await stat(path).catch(() => undefined);
  if (!file?.isFile()) return false;
  if (known.size === undefined || known.sha256 === undefined) return file.ino === known.inode;
  if (file.size !== known.size) return false;
  return (await hashFile(path).catch(() => undefined)) === known.sha256;
}
