/**
 * Small files that a person or a project names: read whole, and never waited for. A named pipe holds up whoever opens
 * it until somebody writes, and a device may never end; so anything but a regular file is an error at once.
 */
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { LoomError } from '../core/errors.ts';

/** Why a path that is there can't be read as a file, as the end of a sentence; undefined for a regular file. */
export function describeOddFile(file: Pick<Stats, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>) {
  if (file.isFile()) return undefined;
  if (file.isDirectory()) return 'it is a folder';
  if (file.isFIFO()) return 'it is a pipe, not a file';
  return file.isSocket() ? 'it is a socket, not a file' : 'it is a device, not a file';
}

/** A regular file to read, through links. Throws the error of the system, or says what it is instead of a file. */
export function openPlainFile(path: string): number {
  // Looked at first: to open a pipe takes its writer away from whoever waits for it.
  refuseOdd(statSync(path));
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    refuseOdd(fstatSync(file));
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** What such a file holds. */
export function readPlainFile(path: string): Buffer {
  const file = openPlainFile(path);
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** The same in pieces, of a file that may be large. */
export async function* streamPlainFile(path: string): AsyncGenerator<Buffer> {
  const fd = openPlainFile(path);
  yield* createReadStream('', { fd, highWaterMark: pieceBytes }) as AsyncIterable<Buffer>;
}

const pieceBytes = 256 * 1024;

/** What such a file holds, as text. */
export function readPlainText(path: string): string {
  return readPlainFile(path).toString('utf8');
}

function refuseOdd(file: Stats): void {
  const reason = describeOddFile(file);
  if (reason !== undefined) throw new LoomError('state', reason);
}
