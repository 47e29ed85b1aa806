import { expect, it } from 'vitest';
import { detectFormat, stripExtension } from '../../src/formats/format.ts';
import { failureOf } from './files.ts';

it.each([
  ['data.json', 'json', false],
  ['a/b.c/DATA.CSV', 'csv', false],
  ['data.json.gz', 'json', true],
  ['data.Csv.GZ', 'csv', true],
  ['my.data.json.csv', 'csv', false],
  ['data.tsv', 'tsv', false],
  ['data.TSV.gz', 'tsv', true],
  ['data.jsonl', 'jsonl', false],
  ['data.jsonl.gz', 'jsonl', true],
  ['data.NDJSON', 'jsonl', false],
  ['data.ndjson.gz', 'jsonl', true],
  ['data.Parquet', 'parquet', false],
])('%s is %s, packed: %s', (path, fileType, gzip) => {
  expect(detectFormat(path)).toEqual({ fileType, gzip });
});

it.each(['data.toml', 'data', 'csv', 'data.gz', 'data.json.zip', 'data.csv/x', 'data.parquet.gz'])(
  '%s is refused',
  async (path) => {
    const message = await failureOf('\0', async () => detectFormat(path));
    expect(message).toBe(
      `unsupported file type: ${path.split('/').at(-1)}. Use one of: .json, .json.gz, .jsonl, .jsonl.gz, .ndjson, .ndjson.gz, .csv, .csv.gz, .tsv, .tsv.gz, .parquet.`,
    );
  },
);

it.each([
  ['reviews.xlsx', 'Open it in Excel, choose File > Save As > CSV UTF-8, and run that file.'],
  ['OLD.XLS', 'Open it in Excel, choose File > Save As > CSV UTF-8, and run that file.'],
  [
    'reviews.ods',
    'Open it in LibreOffice, choose File > Save As > Text CSV with the character set UTF-8, and run that file.',
  ],
  [
    'notes.docx',
    'Copy its texts into a table with a row for each, save that as CSV UTF-8, and run that file.',
  ],
  [
    'prompts.txt',
    'For a prompt on each line, write "prompt" into a first line of its own, name it .tsv, and give prompt as its column.',
  ],
])('%s is refused with a way to get a table out of it', async (path, wayOut) => {
  const message = await failureOf('\0', async () => detectFormat(path));
  expect(message).toBe(`unsupported file type: ${path}. ${wayOut}`);
});

it.each([
  ['data.json', 'data'],
  ['data.CSV.gz', 'data'],
  ['my.data.json.csv', 'my.data.json'],
  ['data.gz.json', 'data.gz'],
  ['data.jsonl', 'data'],
  ['data.ndjson.gz', 'data'],
  ['data.tsv', 'data'],
  ['data.parquet', 'data'],
])('%s without its extension is %s', (name, stem) => {
  expect(stripExtension(name)).toBe(stem);
});
