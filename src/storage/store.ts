/**
 * The narrow interface behind which state that processes share is kept. It asks for nothing that a folder on a disk has
 * and an object store has not: files are small and whole, and the two writes that carry locks are conditional.
 * test/utils/store.ts holds every driver to these promises.
 */
export interface Store {
  /** The content of a file as it is now; undefined when there is none. Throws where that can't be told. */
  read(name: string): Promise<string | undefined>;
  /** Makes a file with its content in one step; false, and nothing changed, when there is one of that name. */
  createNew(name: string, content: string): Promise<boolean>;
  /** Writes over a file that is there; false when there is none: one that was deleted never comes back by it. */
  rewrite(name: string, content: string): Promise<boolean>;
  /** The names of the files that begin so, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Deletes a file; one that is gone already is no error. */
  delete(name: string): Promise<void>;
  /** Milliseconds since a file was written, by the store's own clock; undefined when there is none. */
  age(name: string): Promise<number | undefined>;
}
