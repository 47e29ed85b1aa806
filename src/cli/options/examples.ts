/** The examples of --few-shot, from a small file. */
import { resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { LoomError } from '../../core/errors.ts';
import { type Example, isJsonObject } from '../../core/models.ts';
import { listNames } from '../../core/words.ts';
import { readFlagFile } from './text-flag.ts';

/** LoomError `input` for a file that can't be read, or in which an example lacks something. */
export function readExamples(given: string, workingFolder: string): readonly Example[] {
  const path = resolve(workingFolder, given.replace(/^@/, ''));
  const examples = readRecords(path, readFlagFile('--few-shot', path)).map((record, index) =>
    readExample(path, record, index),
  );
  if (examples.length > 0) return examples;
  throw refuse(path, 'holds no example', 'Write a prompt and a response for each into it.');
}

function readRecords(path: string, text: string): readonly unknown[] {
  try {
    if (/\.(csv|tsv)$/i.test(path))
      return parse(text, { columns: true, delimiter: /\.tsv$/i.test(path) ? '\t' : ',' }) as unknown[];
    if (/\.json$/i.test(path)) {
      const value: unknown = JSON.parse(text);
      return Array.isArray(value) ? value : [value];
    }
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line): unknown => JSON.parse(line));
  } catch (error) {
    throw refuse(path, `can't be read: ${(error as Error).message}`, 'It is a .jsonl, .json, .csv or .tsv.');
  }
}

function readExample(path: string, record: unknown, index: number): Example {
  const { prompt, response } = isJsonObject(record) ? record : {};
  if (typeof prompt === 'string' && typeof response === 'string' && /\S/.test(prompt) && /\S/.test(response))
    return { prompt, response };
  const has = isJsonObject(record) ? `; it has ${listNames(Object.keys(record))}` : '';
  throw refuse(
    path,
    `has no prompt and response in example ${index + 1}${has}`,
    'Both are texts with something in them.',
  );
}

function refuse(path: string, problem: string, hint: string): LoomError {
  return new LoomError('input', `the file of --few-shot, ${path}, ${problem}.`, { hint });
}
