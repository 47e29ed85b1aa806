/**
 * stdout and stderr as they may be: their reader has gone, their disk is full, their terminal was closed. No failed
 * write ends the process, and each tells its writer that it failed.
 */
import { fstatSync, fsync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/** What a system says when nobody reads any more at the other end. */
const goneCodes: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET', 'ENOTCONN', 'EOF']);

/** A write that failed. */
export class LostWrite extends Error {
  /** Whether there is nobody left to read: `loom list | head`, or a terminal that was closed. */
  readonly isReaderGone: boolean;

  constructor(cause: NodeJS.ErrnoException, isTerminal: boolean) {
    super(cause.message, { cause });
    this.isReaderGone = goneCodes.has(cause.code) || (isTerminal && cause.code === 'EIO');
  }
}

/** `can't write to stdout: the disk is full.` */
export async function describeLostWrite({ isReaderGone, cause }: LostWrite): Promise<string> {
  if (isReaderGone) return "can't write to stdout: its reader is gone.";
  // Every start would pay for it.
  const { describeDiskError } = await import('../../storage/files.ts');
  return `can't write to stdout: ${describeDiskError(cause)}.`;
}

export class Outlet {
  readonly #stream: NodeJS.WriteStream;
  /** The descriptor of a regular file: Node takes half a write to one for a whole one. */
  readonly #file: number | undefined;
  /** The last line was cut off by a full disk: what comes later begins a line of its own. */
  #isCut = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#file = fileBehind(stream);
    // Each write has told its writer. Without a listener the first failure would end the process.
    stream.on('error', () => {});
  }

  /** Resolves with what went wrong, if anything did. After a failure the next write is a try of its own. */
  write(content: string | Buffer): Promise<LostWrite | undefined> {
    if (this.#file !== undefined) return Promise.resolve(this.#writeToFile(this.#file, content));
    return new Promise((resolve) => {
      this.#stream.write(content, (error) => resolve(error ? this.#describe(error) : undefined));
    });
  }

  /**
   * Writes all of it, in a file also to the disk; returns how the first failure went. Rejects with the signal's reason,
   * also while a reader that is there takes nothing.
   */
  async writeAll(chunks: AsyncIterable<Buffer>, signal: AbortSignal): Promise<LostWrite | undefined> {
    const abortion = awaitAbortion(signal);
    try {
      for await (const chunk of chunks) {
        const lost = await Promise.race([this.write(chunk), abortion.rejected]);
        if (lost) return lost;
      }
      return await this.#sync();
    } finally {
      abortion.forget();
    }
  }

  /** Resolves when all that was written is taken, or lost. */
  async drain(): Promise<void> {
    if (this.#file === undefined) await this.write('');
  }

  #writeToFile(file: number, content: string | Buffer): LostWrite | undefined {
    const whole = Buffer.from(this.#isCut && typeof content === 'string' ? `\n${content}` : content);
    let rest = whole;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(file, rest));
      this.#isCut = false;
      return undefined;
    } catch (error) {
      if (rest.length < whole.length) this.#isCut = true;
      return this.#describe(error as Error);
    }
  }

  async #sync(): Promise<LostWrite | undefined> {
    if (this.#file === undefined) return undefined;
    return promisify(fsync)(this.#file).then(
      () => undefined,
      (error: Error) => this.#describe(error),
    );
  }

  #describe(error: Error): LostWrite {
    return new LostWrite(error, Boolean(this.#stream.isTTY));
  }
}

function fileBehind(stream: NodeJS.WriteStream): number | undefined {
  const { fd } = stream as { fd?: number };
  try {
    return fd !== undefined && fstatSync(fd).isFile() ? fd : undefined;
  } catch {
    return undefined;
  }
}

/** A promise that rejects when the signal is aborted; `forget` it when there is nothing to wait for any more. */
function awaitAbortion(signal: AbortSignal): { readonly rejected: Promise<never>; forget(): void } {
  let forget = () => {};
  const rejected = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    forget = () => signal.removeEventListener('abort', onAbort);
  });
  rejected.catch(() => {});
  return { rejected, forget };
}
