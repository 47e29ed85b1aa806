/**
 * The narrow interface to objects in a bucket (S3, Google Cloud Storage, Azure Blob Storage): what batches in object
 * stores need today, and what inputs, outputs and state in a bucket can be built on. A driver wraps its vendor's own
 * client, which is loaded when an address names its store and is not part of the package
 * (docs/decisions/0053-object-store-clients.md). The drivers are held to it by test/storage/objects.
 *
 * What callers may rely on, of every driver:
 * - An object appears whole or not at all: a write that is cut off, or whose pieces throw, leaves what was there.
 * - What a write has returned from is there for every reader, and lists are never old.
 * - No call holds a whole object in memory, whatever its size; pieces come and go as fast as the other end takes them.
 * - Methods throw ObjectStoreError, and an aborted signal its own reason. They repeat nothing that may have taken effect.
 */

/** A bucket, or its like, in one store. */
export interface ObjectStore {
  /** What is known of an object without reading it; undefined when there is none. */
  look(key: string, signal?: AbortSignal): Promise<ObjectFacts | undefined>;
  /**
   * Its bytes, or those of a range, in pieces, of one version of it: an object that is replaced meanwhile throws or goes on
   * as it was, and is never a mixture. A connection that breaks off throws `unavailable`.
   */
  read(key: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Puts an object there, in place of one that there may be. */
  write(key: string, content: ObjectContent, options?: WriteObjectOptions): Promise<ObjectVersion>;
  /** Objects whose keys begin so, by their keys in the order of their bytes. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<ObjectFacts>;
  /** One that is gone already is no error. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
}

export interface ObjectFacts {
  readonly key: string;
  readonly bytes: number;
  readonly version: ObjectVersion;
  /** By the store's own clock. */
  readonly modified: Date;
}

/** An opaque word for the content that an object has: it is another once other bytes are there. */
export type ObjectVersion = string;

export interface ReadOptions {
  /** From the first of these bytes to before the last; `end` may lie behind the object's own. */
  readonly range?: { readonly start: number; readonly end?: number };
  readonly signal?: AbortSignal;
}

/** Bytes at hand, or pieces that come. */
export type ObjectContent = Uint8Array | AsyncIterable<Uint8Array>;

export interface WriteObjectOptions {
  /** `absent`: throws `exists` where there is an object already. A version: throws `changed` where it is another by now. */
  readonly only?: 'absent' | { readonly version: ObjectVersion };
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export type ObjectFault =
  /** No such object or bucket. */
  | 'missing'
  /** There is one already, and the write wanted none. */
  | 'exists'
  /** It is another by now than the write wanted. */
  | 'changed'
  /** Credentials that are missing or not taken, or that may not do this. */
  | 'refused'
  /** Out of reach, overloaded, or broken off: worth another try. */
  | 'unavailable'
  /** The store can't do what was asked of it, as writes with conditions. */
  | 'unsupported';

/** A store's refusal or a failed call. Its message says what happened with which address, and never holds a key. */
export class ObjectStoreError extends Error {
  readonly fault: ObjectFault;
  /** HTTP status; undefined when no answer arrived. */
  readonly status: number | undefined;

  constructor(
    fault: ObjectFault,
    message: string,
    options: { readonly status?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ObjectStoreError';
    this.fault = fault;
    this.status = options.status;
  }
}
