/** Forms with a file in them (multipart/form-data), read as they arrive: the file goes to disk chunk by chunk. */
import type { IncomingMessage } from 'node:http';
import { chunksOf } from './http.ts';

const headerEnd = '\r\n\r\n';
const longestHeader = 16 * 1024;
const longestField = 64 * 1024;

/** Where the bytes of a file part go. */
export interface PartSink {
  write(chunk: Buffer): Promise<void>;
}

/** A form that can't be read. */
export class BrokenForm extends Error {}

/** The boundary that a content type names; undefined when it is no form. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const found = /^multipart\/form-data;.*\bboundary=(?:"([^"]+)"|([^;]+))/i.exec(contentType ?? '');
  return found?.[1] ?? found?.[2]?.trim();
}

/** Reads a form: file parts go to the sink that `openFile` returns, the other fields are returned. */
export async function readForm(
  request: IncomingMessage,
  boundary: string,
  openFile: (field: string, fileName: string) => Promise<PartSink>,
): Promise<Map<string, string>> {
  const reader = new FormReader(boundary, openFile);
  for await (const chunk of chunksOf(request)) await reader.push(chunk);
  return reader.end();
}

class FormReader {
  readonly #delimiter: Buffer;
  readonly #openFile: (field: string, fileName: string) => Promise<PartSink>;
  readonly #fields = new Map<string, string>();
  // The first boundary has no line end before it; with this one it is like the others.
  #pending = Buffer.from('\r\n');
  #state: 'content' | 'boundary' | 'header' | 'done' = 'content';
  #file: PartSink | undefined;
  #field: { readonly name: string; value: string } | undefined;

  constructor(boundary: string, openFile: (field: string, fileName: string) => Promise<PartSink>) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#openFile = openFile;
  }

  async push(chunk: Buffer): Promise<void> {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (await this.#step());
  }

  end(): Map<string, string> {
    if (this.#state !== 'done') throw new BrokenForm('The form ends before its last boundary.');
    return this.#fields;
  }

  /** Takes what it can from the pending bytes; false when it needs more. */
  async #step(): Promise<boolean> {
    if (this.#state === 'content') return this.#readContent();
    if (this.#state === 'boundary') return this.#readBoundary();
    if (this.#state === 'header') return this.#readHeader();
    this.#pending = Buffer.alloc(0);
    return false;
  }

  async #readContent(): Promise<boolean> {
    const end = this.#pending.indexOf(this.#delimiter);
    // Without a boundary in sight, the last bytes may be the beginning of one.
    const safe = end === -1 ? Math.max(0, this.#pending.length - this.#delimiter.length + 1) : end;
    if (safe > 0) await this.#take(this.#pending.subarray(0, safe));
    if (end === -1) {
      this.#pending = this.#pending.subarray(safe);
      return false;
    }
    this.#pending = this.#pending.subarray(end + this.#delimiter.length);
    if (this.#field !== undefined) this.#fields.set(this.#field.name, this.#field.value);
    this.#file = undefined;
    this.#field = undefined;
    this.#state = 'boundary';
    return true;
  }

  async #take(bytes: Buffer): Promise<void> {
    if (this.#file !== undefined) return this.#file.write(bytes);
    if (this.#field === undefined) return;
    this.#field.value += bytes.toString();
    if (this.#field.value.length > longestField) throw new BrokenForm('A field of the form is too long.');
  }

  #readBoundary(): boolean {
    if (this.#pending.length < 2) return false;
    this.#state = this.#pending.subarray(0, 2).toString() === '--' ? 'done' : 'header';
    return true;
  }

  async #readHeader(): Promise<boolean> {
    const end = this.#pending.indexOf(headerEnd);
    if (end === -1 && this.#pending.length > longestHeader)
      throw new BrokenForm('A header of the form is too long.');
    if (end === -1) return false;
    const header = this.#pending.subarray(0, end).toString();
    this.#pending = this.#pending.subarray(end + headerEnd.length);
    const name = /\bname="([^"]*)"/i.exec(header)?.[1] ?? '';
    const fileName = /\bfilename="([^"]*)"/i.exec(header)?.[1];
    if (fileName === undefined) this.#field = { name, value: '' };
    else this.#file = await this.#openFile(name, fileName);
    this.#state = 'content';
    return true;
  }
}
