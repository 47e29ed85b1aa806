/** Forms with a file in them (multipart/form-data), read as they arrive: the file goes to disk chunk by chunk. */
import { type Call, Refused } from './http.ts';

const longestHeader = 16 * 1024;
const longestField = 64 * 1024;

/** Takes the next bytes of a file. */
type Take = (bytes: Buffer) => Promise<void>;

/**
 * Reads a form: the bytes of a file part go to what `openFile` returns, the other fields are returned. Throws a refusal
 * of what is no whole form.
 */
export async function readForm(
  call: Call,
  openFile: (fileName: string) => Promise<Take>,
): Promise<Map<string, string>> {
  const type = call.header('content-type') ?? '';
  const [, quoted, bare] = /^multipart\/form-data;.*\bboundary=(?:"([^"]+)"|([^;]+))/i.exec(type) ?? [];
  const boundary = quoted ?? bare?.trim();
  if (boundary === undefined) throw new Refused(400, 'The request must be multipart/form-data.');
  const end = `\r\n--${boundary}`;
  const chunks = call.chunks()[Symbol.asyncIterator]();
  const body = new BodyReader(chunks);
  const fields = new Map<string, string>();
  try {
    await body.readUntil(end, async () => {});
    // A line end follows each boundary but the last, which ends in two dashes.
    while ((await body.readBytes(2)) !== '--') {
      const header = await body.readText('\r\n\r\n', longestHeader);
      const fileName = /\bfilename="([^"]*)"/i.exec(header)?.[1];
      const name = /\bname="([^"]*)"/i.exec(header)?.[1] ?? '';
      if (fileName === undefined) fields.set(name, await body.readText(end, longestField));
      else await body.readUntil(end, await openFile(fileName));
    }
    return fields;
  } finally {
    await chunks.return?.();
  }
}

class BodyReader {
  readonly #chunks: AsyncIterator<Buffer>;
  // The first boundary has no line end before it; with this one it is like the others.
  #pending = Buffer.from('\r\n');

  constructor(chunks: AsyncIterator<Buffer>) {
    this.#chunks = chunks;
  }

  /** Hands on what comes before the mark, which is left out, piece by piece. */
  async readUntil(mark: string, take: Take): Promise<void> {
    for (;;) {
      const end = this.#pending.indexOf(mark);
      // Without a mark in sight, the last bytes may be the beginning of one.
      const safe = end === -1 ? Math.max(0, this.#pending.length - mark.length + 1) : end;
      if (safe > 0) await take(this.#pending.subarray(0, safe));
      this.#pending = this.#pending.subarray(end === -1 ? safe : end + mark.length);
      if (end !== -1) return;
      await this.#readMore();
    }
  }

  async readText(mark: string, longest: number): Promise<string> {
    let text = '';
    await this.readUntil(mark, async (bytes) => {
      text += bytes.toString();
      if (text.length > longest) throw new Refused(400, 'A header or a field of the form is too long.');
    });
    return text;
  }

  async readBytes(count: number): Promise<string> {
    while (this.#pending.length < count) await this.#readMore();
    const text = this.#pending.toString('latin1', 0, count);
    this.#pending = this.#pending.subarray(count);
    return text;
  }

  async #readMore(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new Refused(400, 'The form ends before its last boundary.');
    this.#pending = Buffer.concat([this.#pending, value]);
  }
}
