/** Every input format through the built program: what went in comes out in the same format, with the answers in it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone, type SandboxWorld, submittedId } from './sandbox-world.ts';

const dataFolder = join(import.meta.dirname, '../data');
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

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
});

afterEach(() => world.remove());

describe.each([
  ['a.jsonl', jsonl, [], 'a_results_openai_m.jsonl', answeredJsonl],
  ['a.ndjson', jsonl, [], 'a_results_openai_m.jsonl', answeredJsonl],
  ['a.JSONL.gz', gzipSync(jsonl), [], 'a_results_openai_m.jsonl', answeredJsonl],
  ['a.tsv', tsv, ['-c', 'name'], 'a_results_openai_m.tsv', answeredTsv],
  ['a.tsv.gz', gzipSync(tsv), ['-c', 'name'], 'a_results_openai_m.tsv', answeredTsv],
] as const)('%s', (name, content, flags, output, answered) => {
  const args = ['run', '-f', name, ...flags, '-p', 'openai', '-m', 'm'];

  test('submitted as a batch and fetched comes out byte for byte with its answers', async () => {
    await world.write(name, content);
    const id = submittedId(await world.loom(...args));
    expect(await fetchUntilDone(world)).toEqual({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${join(world.folder, output)} (metadata removed)\n`,
      stderr: '200 rows: 200 answered\n',
    });
    expect(await world.read(output)).toBe(answered);
  });

  test('answered live comes out the same', async () => {
    await world.write(name, content);
    expect(await world.loom(...args, '--sync', '-w', '32')).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(answered);
  });
});

test('a row of JSONL without an answer is named by its id, and one of TSV by its number', async () => {
  await world.write('a.jsonl', '{"id":"x","prompt":"Hello"}\n{"id":"y","prompt":"[[sandbox:refuse]]"}\n');
  await world.write('a.tsv', 'text\nHello\n[[sandbox:refuse]]\n');
  const args = ['-p', 'openai', '-m', 'm', '--sync'];
  const lines = await world.loom('run', '-f', 'a.jsonl', ...args);
  expect(lines).toMatchObject({ code: 3, stderr: expect.stringMatching(/\(rows y\): /) });
  expect(await world.read('a_results_openai_m.jsonl')).toBe(
    `{"id":"x","prompt":"Hello","llm_response":"${answerTo('Hello')}"}\n{"id":"y","prompt":"[[sandbox:refuse]]","llm_response":null}\n`,
  );
  const table = await world.loom('run', '-f', 'a.tsv', '-c', 'text', ...args);
  expect(table).toMatchObject({ code: 3, stderr: expect.stringMatching(/\(rows 1\): /) });
  expect(await world.read('a_results_openai_m.tsv')).toBe(
    `text\tllm_response\nHello\t${answerTo('Hello')}\n[[sandbox:refuse]]\t\n`,
  );
});

test('a table needs --col, said before anything is sent', async () => {
  const path = await world.write('a.tsv', tsv);
  expect(await world.loom('run', '-f', 'a.tsv', '-p', 'openai', '-m', 'm')).toEqual({
    code: 1,
    stdout: '',
    stderr: `Error: --col is required for TSV input. Name the column of ${path} that holds the prompt.\n`,
  });
});
