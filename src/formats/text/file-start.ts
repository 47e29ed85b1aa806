/** Tells by its first bytes that a file is not what its name says: what it is, and what to do. */
import type { FileType } from '../../core/models.ts';

/** What a file is instead, and the way out. */
export interface StrangeFile {
  readonly problem: string;
  readonly hint: string;
}

/** So much of a file's start is looked at. */
export const startBytes = 64 * 1024;

const pointerText = 'version https://git-lfs.github.com/spec/';

/** Each kind of file that is taken for another, by its first bytes. */
const signatures: readonly { readonly start: Buffer; readonly is: StrangeFile }[] = [
  {
    start: Buffer.from(pointerText),
    is: {
      problem: 'this is a pointer of Git LFS, and the file itself is not here',
      hint: 'Fetch it: git lfs pull',
    },
  },
  {
    start: Buffer.from([0x1f, 0x8b]),
    is: { problem: 'this is a gzip file', hint: 'Add .gz to the end of its name.' },
  },
  {
    start: Buffer.from('PAR1'),
    is: { problem: 'this is a Parquet file', hint: 'Give it a name that ends in .parquet.' },
  },
  {
    start: Buffer.from([0xd0, 0xcf, 0x11, 0xe0]),
    is: { problem: 'this is an old Excel or Word file', hint: 'Open it there and save it as CSV UTF-8.' },
  },
  {
    start: Buffer.from('%PDF-'),
    is: { problem: 'this is a PDF', hint: 'Pass a table or JSON with prompts.' },
  },
  {
    start: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    is: { problem: 'this is a Zstandard file', hint: 'Unpack it: unzstd' },
  },
  {
    start: Buffer.from('BZh'),
    is: { problem: 'this is a bzip2 file', hint: 'Unpack it: bunzip2' },
  },
];

const zipStart = Buffer.from('PK\u0003\u0004');

/** What a file is by its first bytes, where no text or table begins like that. */
export function recognizeBytes(start: Buffer): StrangeFile | undefined {
  if (startsWith(start, zipStart)) return recognizeZip(start);
  return signatures.find((signature) => startsWith(start, signature.start))?.is;
}

/** Whether a file is not here but only named. */
export function isPointer(start: Buffer): boolean {
  return startsWith(start, Buffer.from(pointerText));
}

function recognizeZip(start: Buffer): StrangeFile {
  const names = start.toString('latin1');
  if (names.includes('xl/') || names.includes('[Content_Types].xml'))
    return { problem: 'this is an Excel or Word file', hint: 'Open it there and save it as CSV UTF-8.' };
  if (names.includes('opendocument'))
    return { problem: 'this is a LibreOffice file', hint: 'Open it there and save it as CSV, UTF-8.' };
  return { problem: 'this is a zip file', hint: 'Unpack it, and pass the file that was in it.' };
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.length).equals(start);
}

/** What a text is that is not of its type, by its first lines. */
export function recognizeText(start: Buffer, fileType: FileType): StrangeFile | undefined {
  const text = start.toString('utf8').replace(/^\ufeff/, '');
  if (/^\s*<(!doctype html|html)\b/i.test(text))
    return { problem: 'this is a web page', hint: 'Download the file itself.' };
  if (fileType === 'json') return recognizeLines(text);
  if (!text.includes('\n') && /\r\s*\S/.test(text))
    return {
      problem: 'its lines end with CR alone, as on old Macs',
      hint: "Convert them to LF: tr '\\r' '\\n' < old > new",
    };
  if (fileType === 'jsonl' && /^\s*\[\s*(\{|\]|$)/.test(text) && !hasObjectLines(text.split('\n')))
    return {
      problem: 'this is one JSON list, not an object on each line',
      hint: 'Give it a name that ends in .json.',
    };
  return undefined;
}

function recognizeLines(text: string): StrangeFile | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const lines = text.split('\n').filter((line) => /\S/.test(line));
  if (!hasObjectLines(lines.slice(0, 1)) || !/^\s*\{/.test(lines[1] ?? '')) return undefined;
  return {
    problem: 'this is an object on each line, not one JSON list',
    hint: 'Give it a name that ends in .jsonl.',
  };
}

function hasObjectLines([first = '']: readonly string[]): boolean {
  try {
    const value: unknown = JSON.parse(first);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
