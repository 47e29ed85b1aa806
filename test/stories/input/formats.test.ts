/** Every input format through the built program: what went in comes out in the same format, with the answers in it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const dataFolder = join(import.meta.dirname, '../../data');
const jsonl = await readFile(join(dataFolder, 'airports.jsonl'), 'utf8');
const tsv = await readFile(join(dataFolder, 'airports.tsv'), 'utf8');

const answerTo = (prompt: string) => `Sandbox answer from m: ${prompt}`;

const answeredJsonl = jsonl.replaceAll(
  /("prompt":"([^"]*)".*)}\n/g,
  (_, members: string, prompt: string) => `${members},"llm_response":"${answerTo(prompt)}"}\n`,
);
const answeredTsv = tsv
  .trimEnd()
  .split('\n')
  .map(
    (line, number) => `${line}\t${number === 0 ? 'llm_response' : answerTo(line.split('\t')[1] as string)}\n`,
  )
  .join('');

const world = useWorld(createSandboxWorld);

test.each([
  ['a.JSONL.gz', gzipSync(jsonl), [], 'a_results_openai_m.jsonl', answeredJsonl],
  ['a.tsv', tsv, ['-c', 'name'], 'a_results_openai_m.tsv', answeredTsv],
])(
  '%s, submitted as a batch and fetched, comes out byte for byte with its answers',
  async (name, content, flags, output, answered) => {
    await world.write(name, content);
    const id = await world.submit('-f', name, ...flags);
    expect(await fetchUntilDone(world)).toEqual({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${join(world.folder, output)} (metadata removed)\n`,
      stderr: expect.stringMatching(/^200 rows: 200 answered\nTokens: 824 in, /),
    });
    expect(await world.read(output)).toBe(answered);
  },
);

test.each([
  ['a.jsonl', jsonl, [], 'a_results_openai_m.jsonl', answeredJsonl],
  ['a.ndjson', jsonl, [], 'a_results_openai_m.jsonl', answeredJsonl],
  ['a.tsv.gz', gzipSync(tsv), ['-c', 'name'], 'a_results_openai_m.tsv', answeredTsv],
])('%s, answered live, comes out the same', async (name, content, flags, output, answered) => {
  await world.write(name, content);
  expect(await world.run('-f', name, ...flags, '--sync', '-w', '32')).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe(answered);
});

test('a row of JSONL without an answer is named by its id, and one of TSV by its number', async () => {
  await world.write('a.jsonl', '{"id":"x","prompt":"Hello"}\n{"id":"y","prompt":"[[sandbox:refuse]]"}\n');
  await world.write('a.tsv', 'text\nHello\n[[sandbox:refuse]]\n');
  const args = ['-p', 'openai', '-m', 'm', '--sync'];
  const lines = await world.loom('run', '-f', 'a.jsonl', ...args);
  expect(lines).toMatchObject({ code: 3, stderr: expect.stringMatching(/\(rows 2\): /) });
  expect(await world.read('a_results_openai_m.jsonl')).toBe(
    `{"id":"x","prompt":"Hello","llm_response":"${answerTo('Hello')}"}\n{"id":"y","prompt":"[[sandbox:refuse]]","llm_response":null}\n`,
  );
  const table = await world.loom('run', '-f', 'a.tsv', '-c', 'text', ...args);
  expect(table).toMatchObject({ code: 3, stderr: expect.stringMatching(/\(rows 2\): /) });
  expect(await world.read('a_results_openai_m.tsv')).toBe(
    `text\tllm_response\nHello\t${answerTo('Hello')}\n[[sandbox:refuse]]\t\n`,
  );
});

test('a Parquet file comes out with its data as it was and a column of answers, from a batch as live', async () => {
  const original = await readFile(join(dataFolder, 'airports-pyarrow.parquet'));
  await world.write('a.parquet', original);
  const args = ['run', '-f', 'a.parquet', '-c', 'name', '-p', 'openai', '-m', 'm', '--with-meta'];
  await world.loom(...args);
  expect(await fetchUntilDone(world)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^60 rows: 57 answered, 3 empty prompts skipped\nTokens: 252 in, /),
  });
  const fetched = await world.readBytes('a_results_openai_m.parquet');
  const dataEnd = original.length - 8 - original.readUInt32LE(original.length - 8);
  expect(fetched.subarray(0, dataEnd).equals(original.subarray(0, dataEnd))).toBe(true);
  const read = (bytes: Buffer) => parquetReadObjects({ file: new Uint8Array(bytes).buffer, compressors });
  expect(await read(fetched)).toEqual(
    (await read(original)).map((row) => ({
      ...row,
      llm_response: row.name === null ? null : answerTo(row.name),
      llm_provider: 'openai',
      llm_model: 'm',
    })),
  );
  expect(await world.loom(...args, '--sync', '-o', 'live.parquet')).toMatchObject({ code: 0 });
  expect((await world.readBytes('live.parquet')).equals(fetched)).toBe(true);
});

test.each(['--limit', '--sample'])('rows of a Parquet file are not picked with %s', async (flag) => {
  const path = await world.write('a.parquet', await readFile(join(dataFolder, 'airports-polars.parquet')));
  expect(await world.run('-f', 'a.parquet', '-c', 'name', flag, '5')).toEqual({
    code: 2,
    stdout: '',
    stderr: `Error: ${flag} can't pick rows of ${path}. The data of a Parquet file is copied as it is; write the rows that you want to run into a file of their own.\n`,
  });
});

test('a table needs --col, said before anything is sent', async () => {
  const path = await world.write('a.tsv', tsv);
  expect(await world.loom('run', '-f', 'a.tsv', '-p', 'openai', '-m', 'm')).toEqual({
    code: 1,
    stdout: '',
    stderr: `Error: --col is required for TSV input; ${path} has the columns "iata", "name", "city", "state", "country", "latitude", "longitude". Pass --col with the one that holds the prompts, or a --prompt that is filled with several.\n`,
  });
});
