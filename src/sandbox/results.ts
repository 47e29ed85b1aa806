/** Result files, made while they are downloaded: from the stored requests, a block at a time, never all at once. */
import { type BatchFault, isInShare } from './faults.ts';
import { type Line, lineBlocks } from './lines.ts';

const pieceCharacters = 64 * 1024;

/** Writes the result of one request line; undefined when it has none in this file. */
export type ResultWriter = (line: Line) => string | undefined;

/**
 * The lines of a result file, in pieces. No vendor promises the input's order: each block of it comes backwards.
 * `idField` is where a result names its row.
 */
export async function* resultFile(
  path: string,
  fault: BatchFault | undefined,
  idField: 'custom_id' | 'key',
  writer: ResultWriter,
): AsyncGenerator<string> {
  let piece = '';
  let strangers = fault?.unknownRows ?? 0;
  for await (const block of lineBlocks(path)) {
    for (const line of block.reverse()) {
      const written = isInShare(line.index, fault?.missingShare, 0.3) ? undefined : writer(line);
      if (written === undefined) continue;
      const result = inItsPlace(written, idField, fault, line);
      piece += fault?.blankLines ? `${result}\n\n` : `${result}\n`;
      if (isInShare(line.index, fault?.duplicateShare, 0.6)) piece += `${result}\n`;
      for (; strangers > 0; strangers -= 1) piece += `${ofAStranger(result, idField, strangers)}\n`;
      if (piece.length < pieceCharacters) continue;
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}

/** What stands where the result of a row should be; the row's own, if all is well. */
function inItsPlace(
  result: string,
  idField: 'custom_id' | 'key',
  fault: BatchFault | undefined,
  line: Line,
): string {
  if (isInShare(line.index, fault?.pageShare, 0.8)) return htmlLine;
  return isInShare(line.index, fault?.foreignShare, 0.1) ? ofAStranger(result, idField, line.number) : result;
}

const htmlLine = '<html><body><h1>502 Bad Gateway</h1></body></html>';

function ofAStranger(result: string, idField: string, number: number): string {
  return JSON.stringify({ ...JSON.parse(result), [idField]: `nobody-${number}` });
}

/** How long a result file is. */
export async function bytesOf(pieces: AsyncIterable<string>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += Buffer.byteLength(piece);
  return bytes;
}
