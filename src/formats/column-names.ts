/** The columns or fields of a file by its first lines, for who proposes them. */
import { RecordReader } from './csv/records.ts';
import { detectFormat, type TextLayout } from './format.ts';
import { converterFor } from './index.ts';
import { LineSplitter } from './json/line-splitter.ts';
import { EntrySplitter, type Splitter } from './json/splitter.ts';
import { readEncoding } from './text/encodings.ts';
import { TextSource } from './text/text-source.ts';

/** Of the header, or the first object; of Parquet those with text. Throws as a reader does. */
export async function readColumnNames(path: string, asked: TextLayout): Promise<string[]> {
  const format = detectFormat(path);
  const { fileType } = format;
  const layout = { ...asked, encoding: asked.encoding && readEncoding(asked.encoding) };
  const source = new TextSource(path, format, { layout });
  if (fileType === 'csv' || fileType === 'tsv') return readHeader(new RecordReader(source, layout));
  if (fileType === 'json') return readKeys(source, new EntrySplitter());
  if (fileType === 'jsonl') return readKeys(source, new LineSplitter());
  return [...(await (await converterFor(fileType)).readNames(path, false, {}))];
}

async function readHeader(reader: RecordReader): Promise<string[]> {
  for await (const batch of reader.readBatches()) return batch.count > 0 ? batch.cellsOf(0) : [];
  return [];
}

async function readKeys(source: TextSource, splitter: Splitter): Promise<string[]> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of source.readChunks(() => splitter.describePlace())) {
    bytes = Buffer.concat([bytes, chunk]);
    splitter.feed(chunk);
    const keys = keysOfFirst(bytes, splitter);
    if (keys || splitter.problem) return keys ?? [];
  }
  splitter.finish();
  return keysOfFirst(bytes, splitter) ?? [];
}

function keysOfFirst(bytes: Buffer, splitter: Splitter): string[] | undefined {
  const [first] = splitter.takeEntries();
  return first && Object.keys(JSON.parse(bytes.toString('utf8', first.start, first.end)));
}
