/** Makes inputs of any size as streams: rows of about 500 bytes, no two prompts alike, some with quotes and non-ASCII. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';

const sentences = [
  'The parcel came two days late, and nobody answered when I asked where it was.',
  'For the price it is well made: the seams hold, the colour stays, and it fits.',
  'My neighbour said "never again", but I would buy it a second time at once.',
  'Après une semaine, la fermeture ne tenait plus; the shop replaced it for free.',
  'It does what the description promises, no more and no less, and does it quietly.',
  'The manual is thin, the app asks for an account, and the light cannot be dimmed.',
  'Größe und Gewicht stimmen, only the smell took a few days to go away.',
];

/** The prompt of a row. */
export function createPrompt(row) {
  let text = `Review ${row}: is the writer content? Answer with yes, no or mixed.`;
  for (let place = 0; place < 5; place++)
    text += ` ${sentences[(row * 5 + place * (row % 3)) % sentences.length]}`;
  return text;
}

export const promptColumn = 'review';

function tableRecord(row, delimiter) {
  return [row, `"${createPrompt(row).replaceAll('"', '""')}"`, (row % 5) + 1].join(delimiter);
}

function jsonElement(row) {
  return JSON.stringify({ id: `review-${row}`, prompt: createPrompt(row), stars: (row % 5) + 1 });
}

const linesPerChunk = 1_000;

function* tableChunks(rows, delimiter) {
  yield `${['id', promptColumn, 'stars'].join(delimiter)}\n`;
  for (let row = 0; row < rows; row += linesPerChunk) {
    yield rowsFrom(row, rows)
      .map((row) => `${tableRecord(row, delimiter)}\n`)
      .join('');
  }
}

function* lineChunks(rows) {
  for (let row = 0; row < rows; row += linesPerChunk) {
    yield rowsFrom(row, rows)
      .map((row) => `${jsonElement(row)}\n`)
      .join('');
  }
}

function* jsonChunks(rows) {
  yield '[\n';
  for (let row = 0; row < rows; row += linesPerChunk) {
    yield `${row === 0 ? '' : ',\n'}${rowsFrom(row, rows).map(jsonElement).join(',\n')}`;
  }
  yield '\n]\n';
}

function rowsFrom(first, rows) {
  return Array.from({ length: Math.min(linesPerChunk, rows - first) }, (_, place) => first + place);
}

const chunksOf = {
  csv: (rows) => tableChunks(rows, ','),
  tsv: (rows) => tableChunks(rows, '\t'),
  json: jsonChunks,
  jsonl: lineChunks,
};

const parquetSchema = [
  { name: 'root', num_children: 3 },
  { name: 'id', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: promptColumn, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'stars', type: 'INT32', repetition_type: 'REQUIRED' },
];
const rowsPerGroup = 20_000;

function writeParquet(path, rows) {
  const writer = new ParquetWriter({ writer: fileWriter(path), schema: parquetSchema });
  for (let first = 0; first < rows; first += rowsPerGroup) {
    const numbers = Array.from({ length: Math.min(rowsPerGroup, rows - first) }, (_, place) => first + place);
    writer.write({
      columnData: [
        { name: 'id', data: numbers },
        { name: promptColumn, data: numbers.map(createPrompt) },
        { name: 'stars', data: numbers.map((row) => (row % 5) + 1) },
      ],
      rowGroupSize: rowsPerGroup,
    });
  }
  writer.finish();
}

/** Writes an input; its format is in its name: `.parquet`, or `.csv`, `.tsv`, `.json`, `.jsonl`, and each with `.gz`. */
export async function writeInput(path, rows) {
  if (path.endsWith('.parquet')) return writeParquet(path, rows);
  const [, format] = /\.(\w+)(?:\.gz)?$/.exec(path);
  const chunks = Readable.from(chunksOf[format](rows));
  const stages = path.endsWith('.gz') ? [createGzip()] : [];
  await pipeline(chunks, ...stages, createWriteStream(path));
}

/** Throws unless an output has an answer of the sandbox for every row. */
export async function checkOutput(path, rows) {
  const answers = path.endsWith('.parquet') ? await countParquetAnswers(path) : await countAnswers(path);
  if (answers !== rows) throw new Error(`${path} holds ${answers} answers, not ${rows}.`);
}

async function countParquetAnswers(path) {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const count = Number(metadata.num_rows);
  let answers = 0;
  for (let rowStart = 0; rowStart < count; rowStart += rowsPerGroup) {
    const range = { rowStart, rowEnd: Math.min(rowStart + rowsPerGroup, count), columns: ['llm_response'] };
    const found = await parquetReadObjects({ file, metadata, compressors, ...range });
    answers += found.filter((row) => row.llm_response?.startsWith(answerStart)).length;
  }
  return answers;
}

async function countAnswers(path) {
  let answers = 0;
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: 1024 * 1024 })) {
    const pieces = (rest + chunk).split(answerStart);
    answers += pieces.length - 1;
    rest = pieces.at(-1).slice(-answerStart.length);
  }
  return answers;
}

const answerStart = 'Sandbox answer from ';
