/** A Parquet file that is open for reading: its bytes by place, and the metadata at its end. */

import type { FileHandle } from 'node:fs/promises';
import type { Transferable } from 'node:worker_threads';
import { type FileMetaData, parquetMetadata } from 'hyparquet';
import { LoomError } from '../../core/errors.ts';
import type { ReadOptions } from '../format.ts';
import { openFile, readAt, strangeFileError } from '../text/file-bytes.ts';
import { recognizeBytes, startBytes } from '../text/file-start.ts';
import { brokenError, explainFailure } from './errors.ts';
import { createPageThread, type PagesReply, type PagesTask, type PageThread } from './page-thread.ts';
import { decodeStruct, encodeStruct, ThriftStruct } from './thrift/structs.ts';

/** The length of the metadata and the mark at the end of a file. */
const tailBytes = 8;
const mark = 'PAR1';
const encryptedMark = 'PARE';
const defaultChunkBytes = 256 * 1024;

const encryptionFields = [8, 9];
const keyValuesField = 5;

export class ParquetFile {
  readonly path: string;
  readonly metadata: FileMetaData;
  /** The same metadata as it is written, to be changed and written again. */
  readonly footer: ThriftStruct;
  /** Where the metadata starts, and the data ends. */
  readonly dataEnd: number;
  /** How many bytes to read at a time. */
  readonly chunkBytes: number;
  /** It ends with this file, and when the signal of the reader aborts. */
  readonly #pages: PageThread;
  readonly #handle: FileHandle;
  readonly #signal: AbortSignal | undefined;

  private constructor(
    path: string,
    handle: FileHandle,
    footerBytes: Buffer,
    dataEnd: number,
    chunkBytes: number,
    signal: AbortSignal | undefined,
  ) {
    this.path = path;
    this.#pages = createPageThread(path);
    this.#signal = signal;
    this.#handle = handle;
    this.dataEnd = dataEnd;
    this.chunkBytes = chunkBytes;
    this.footer = decodeStruct(footerBytes);
    this.metadata = readMetadata(this.footer);
    if (encryptionFields.some((id) => this.footer.get(id) !== undefined)) throw encryptedError(path);
    signal?.addEventListener('abort', this.#endPages);
  }

  /** Opens a file, which `onBytes` sees whole before anything else is read. LoomError `input` when it is no Parquet. */
  static async open(path: string, options: ReadOptions): Promise<ParquetFile> {
    const chunkBytes = options.chunkBytes ?? defaultChunkBytes;
    const handle = await openFile(path);
    try {
      const { size } = await handle.stat();
      if (size === 0) {
        throw new LoomError('input', `${path}: the file is empty.`, {
          hint: 'Pass a file that holds prompts.',
        });
      }
      for (let at = 0; options.onBytes && at < size; at += chunkBytes) {
        options.onBytes(await readAt(handle, at, Math.min(chunkBytes, size - at), path));
      }
      const { dataEnd, footerBytes } = await readFooter(handle, size, path);
      return await explainFailure(
        path,
        async () => new ParquetFile(path, handle, footerBytes, dataEnd, chunkBytes, options.signal),
      );
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes by their place. They are all there, or it is a LoomError `input`. */
  async read(start: number, length: number): Promise<Buffer> {
    if (!(start >= 0 && length >= 0 && start + length <= this.dataEnd)) {
      throw brokenError(this.path, 'its metadata names a place that is not in it');
    }
    return readAt(this.#handle, start, length, this.path);
  }

  /** What a thread reads of a piece of a column. The reason of an abort is thrown, also of one that came before. */
  async decode(task: PagesTask, moved: readonly Transferable[]): Promise<PagesReply> {
    this.#signal?.throwIfAborted();
    return this.#pages.ask(task, moved);
  }

  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#endPages);
    await this.#pages.close();
    await this.#handle.close();
  }

  readonly #endPages = () => void this.#pages.close(this.#signal?.reason);
}

/** The metadata without what the notes of other programs say, which need not be text. */
function readMetadata(footer: ThriftStruct): FileMetaData {
  const plain = new ThriftStruct();
  plain.fields.push(...footer.fields.filter(({ id }) => id !== keyValuesField));
  const bytes = encodeStruct(plain);
  const tail = Buffer.from('0000PAR1');
  tail.writeUInt32LE(bytes.length);
  const metadata = parquetMetadata(Uint8Array.from(Buffer.concat([bytes, tail])).buffer, {
    geoparquet: false,
  });
  const [root] = metadata.schema;
  // Some writers mark the root as repeated, which says nothing of the columns.
  if (root) delete root.repetition_type;
  const rows = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (rows !== metadata.num_rows)
    throw new Error('parquet its row groups have another number of rows than it says');
  return metadata;
}

async function readFooter(
  handle: FileHandle,
  size: number,
  path: string,
): Promise<{ dataEnd: number; footerBytes: Buffer }> {
  const tail =
    size < tailBytes + mark.length ? undefined : await readAt(handle, size - tailBytes, tailBytes, path);
  const found = tail?.toString('latin1', 4);
  if (found === encryptedMark) throw encryptedError(path);
  if (!tail || found !== mark) {
    const start = await readAt(handle, 0, Math.min(size, startBytes), path);
    const strange = start.subarray(0, mark.length).toString() === mark ? undefined : recognizeBytes(start);
    if (strange) throw strangeFileError(path, strange);
    throw new LoomError('input', `${path}: this is not a whole Parquet file.`, {
      hint: 'It must end with PAR1; make or download it again.',
    });
  }
  const dataEnd = size - tailBytes - tail.readUInt32LE(0);
  if (dataEnd < mark.length) throw brokenError(path, 'its metadata would be longer than the file');
  return { dataEnd, footerBytes: await readAt(handle, dataEnd, size - dataEnd, path) };
}

/** Where the pages of a column chunk start. Writers leave an offset out, or 0, for a kind of page that is not there. */
export function firstPlace(dataPage: number, dictionaryPage: number): number {
  return dataPage > 0 && dictionaryPage > 0 ? Math.min(dataPage, dictionaryPage) : dataPage || dictionaryPage;
}

function encryptedError(path: string): LoomError {
  return new LoomError('input', `${path}: the file is encrypted.`, { hint: 'Write it without encryption.' });
}
