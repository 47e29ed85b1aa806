/**
 * The narrow interface behind which state lies: files by name, in a place that several processes share. It asks for
 * nothing that a folder on a disk has and an object store has not: conditional writes, and lists that are never old.
 * What callers may rely on, of every driver (test/storage/store.ts holds each to it):
 * - A reader finds no file, the one before or the whole new one, never a part of it: also where a write was cut off, or
 *   its process was killed. What such a write leaves is no file to anybody, and `clear` removes it.
 * - What `write` and `createNew` have put there is durable.
 * - A file that can't be read, or is none, as a pipe, throws: it is not taken for absent, nor waited for.
 */
export interface Store {
  /** The content of a file as it is now; undefined when there is none. */
  read(name: string): Promise<string | undefined>;
  /** Its first and its last bytes, of a file that may be large, at one moment; undefined when there is none. */
  readEnds(name: string, bytes: EndBytes): Promise<Ends | undefined>;
  /** All of it, as it was at one moment, in pieces. Throws when there is none. */
  stream(name: string): AsyncIterable<Buffer>;
  /** Puts a file there, in place of one that there may be. What the pieces throw is thrown on, and nothing has changed. */
  write(name: string, content: Content, options?: WriteOptions): Promise<void>;
  /** A file to be read by place. Throws when there is none. A driver whose place can't do that brings it to a disk first. */
  open(name: string): Promise<OpenFile>;
  /** A new file that grows bit by bit, with what is written at hand at once; throws when there is one of that name. */
  grow(name: string): Promise<GrowingFile>;
  /** Gives a file another name, in place of one that has it; false when there is none. */
  rename(name: string, to: string): Promise<boolean>;
  /** Makes a file with its content in one step; false, and nothing changed, when there is one of that name. */
  createNew(name: string, content: string): Promise<boolean>;
  /** Writes over a file that is there; false when there is none: one that was deleted never comes back by it. */
  rewrite(name: string, content: string): Promise<boolean>;
  /** The names of the files that begin so, sorted; none where there is no such place yet. */
  list(prefix: string): Promise<string[]>;
  /** Deletes a file; one that is gone already is no error. */
  delete(name: string): Promise<void>;
  /** Milliseconds since a file was written, by the store's own clock; undefined when there is none. */
  age(name: string): Promise<number | undefined>;
  /** Removes what writes of files with such names left that were cut off so long ago. What can't be removed stays. */
  clear(names: RegExp, milliseconds: number): Promise<void>;
  /** Where people find a file: a path or an address that ends with a slash and its name. */
  locate(name: string): string;
}

export type Content = string | Iterable<string | Buffer> | AsyncIterable<string | Buffer>;

export interface EndBytes {
  readonly first: number;
  readonly last: number;
}

export interface OpenFile {
  /**
   * Fills the buffer from this place on, as far as the file goes, and gives by how much. Synchronous: a merge does nothing
   * else meanwhile, and a trip through the thread pool costs more than the read.
   */
  readAt(buffer: Buffer, position: number): number;
  close(): Promise<void>;
}

export interface GrowingFile extends OpenFile {
  /** Adds to its end, and gives how many of the bytes were taken: a full disk may take some of them. */
  append(bytes: Buffer): Promise<number>;
}

export interface Ends {
  readonly size: number;
  readonly first: Buffer;
  readonly last: Buffer;
}

export interface WriteOptions {
  /** false: leave the moment of writing to the system, for what can be had without. */
  readonly flush?: boolean;
  /** Called when all is written, right before others see it; what it throws prevents that. */
  readonly onComplete?: () => Promise<void>;
}
