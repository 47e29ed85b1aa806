/** Reads outputs in any format, and finds rows that hold the answer of another prompt. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const answerStart = /^Sandbox answer from [^:]+: /;

/** Rows of all outputs in a folder whose answer is not that of their own prompt. */
export async function findWrongRows(folder) {
  const wrong = [];
  for (const name of await listFiles(folder)) {
    if (!/\.(csv|json|jsonl|parquet)$/.test(name) || name.endsWith('.errors.jsonl')) continue;
    const rows = await readRows(join(folder, name)).catch(() => []);
    if (!Array.isArray(rows)) continue;
    for (const [index, row] of rows.entries()) if (isWrong(row)) wrong.push(`row ${index + 1} of ${name}`);
  }
  return wrong;
}

/** Names of what can be read without waiting for somebody who writes. */
export async function listFiles(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => !entry.isFIFO()).map(({ name }) => name);
}

function isWrong(row) {
  const answer = row?.llm_response;
  if (typeof answer !== 'string' || !answerStart.test(answer)) return false;
  return answer.replace(answerStart, '') !== (row.text ?? row.prompt);
}

/** The rows of a file as objects; throws where it is none of the format. */
export async function readRows(path) {
  if (path.endsWith('.parquet')) return readParquet(path);
  const text = await readFile(path, 'utf8');
  if (path.endsWith('.json')) return JSON.parse(text);
  if (path.endsWith('.jsonl'))
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line));
  const [names, ...records] = readCsv(text);
  return records.map((cells) => Object.fromEntries(names.map((name, place) => [name, cells[place]])));
}

async function readParquet(path) {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  return parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
}

/** The cells of a CSV text, by RFC 4180. */
function readCsv(text) {
  const records = [];
  let record = [];
  for (const [whole, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    if (whole === '' && record.length === 0) break;
    record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
}
