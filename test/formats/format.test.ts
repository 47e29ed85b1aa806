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

it.each(['data.txt', 'data', 'csv', 'data.gz', 'data.json.zip', 'data.csv/x', 'data.parquet.gz'])(
  '%s is refused',
  async (path) => {
    const message = await failureOf('\0', async () => detectFormat(path));
    expect(message).toBe(
      `unsupported file type: ${path.split('/').at(-1)}. Use one of: .json, .json.gz, .jsonl, .jsonl.gz, .ndjson, .ndjson.gz, .csv, .csv.gz, .tsv, .tsv.gz, .parquet.`,
    );
  },
);

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
