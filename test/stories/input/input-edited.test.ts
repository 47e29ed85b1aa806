/**
 * The input of a live run is edited while the calls are under way: no row gets the answer to another prompt, nothing is
 * written, and the next run pays for what is new alone.
 */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { runArgs } from '../../program.ts';
import { createLiveWorld } from '../worlds/live-server.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createLiveWorld);

const before = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'];

const edits: readonly [string, readonly string[], readonly string[]][] = [
  ['a row is added at the top', ['new', ...before], ['new']],
  ['a row is deleted', before.slice(1), []],
  ['rows are sorted', [...before].reverse(), []],
  ['two rows change places', ['p1', 'p0', ...before.slice(2)], []],
  ['a prompt is changed', ['p0', 'changed', ...before.slice(2)], ['changed']],
  ['a prompt becomes that of another row', ['p0', 'p0', ...before.slice(2)], []],
  ['a prompt is emptied', ['p0', '', ...before.slice(2)], []],
  ['rows are added at the end', [...before, 'more'], ['more']],
];

function csv(prompts: readonly string[]): string {
  return `id,text\n${prompts.map((prompt, index) => `${index},${prompt}\n`).join('')}`;
}

/** A program that saves its work: by another file in the place of the first, or into the first. */
async function edit(name: string, content: string | Buffer, how: 'replaced' | 'in place'): Promise<void> {
  if (how === 'in place') await world.write(name, content);
  else await rename(await world.write(`${name}.saved`, content), join(world.folder, name));
}

/** Starts a run, edits its input when some calls are under way, and lets them be answered. */
async function runEdited(args: readonly string[], change: () => Promise<void>) {
  world.hold();
  const running = world.loom(...args);
  await world.arrived(3);
  await change();
  world.release();
  return running;
}

describe.each([
  ['with the cache', []],
  ['without the cache', ['--no-cache']],
])('%s', (_, flags) => {
  const args = runArgs('--sync', '-w', '3', '-o', 'out.csv');

  test.each(edits)('%s', async (_edit, after, paid) => {
    await world.write('data.csv', csv(before));
    const how = after.length % 2 === 0 ? 'replaced' : 'in place';
    const ended = await runEdited([...args, ...flags], () => edit('data.csv', csv(after), how));
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    const errors = ended.stderr.split('\n').filter((line) => line.startsWith('Error: '));
    expect(errors).toEqual([
      expect.stringMatching(
        /^Error: the input [^\n]*data\.csv has changed since this run began: .*answered is kept/,
      ),
    ]);
    expect(await readdir(world.folder)).toEqual(['data.csv']);
    const asked = world.server.requests.length;

    const answersOfTwins = flags.length > 0 && after[0] === after[1] ? ['p0'] : [];
    expect(await world.loom(...args, ...flags)).toMatchObject({ code: 0 });
    expect(world.asked().slice(asked)).toEqual([...paid, ...answersOfTwins]);
    const rows = after.map((prompt, index) => `${index},${prompt},${prompt && `Answer to ${prompt}`}\n`);
    expect(await world.read('out.csv')).toBe(`id,text,llm_response\n${rows.join('')}`);
    expect(await world.listLeft()).toEqual([]);
  });

  test('another column is edited, which is no prompt: the output has it as it is now', async () => {
    await world.write('data.csv', 'id,text\n1,p0\n2,p1\n3,p2\n');
    const ended = await runEdited([...args, ...flags], () =>
      edit('data.csv', 'id,text\nx,p0\ny,p1\nz,p2\n', 'replaced'),
    );
    expect(ended.code).toBe(0);
    expect(await world.read('out.csv')).toBe(
      'id,text,llm_response\nx,p0,Answer to p0\ny,p1,Answer to p1\nz,p2,Answer to p2\n',
    );
  });
});

describe('in every format', () => {
  const objects = (prompts: readonly string[]) => prompts.map((prompt) => ({ prompt }));
  const formats: readonly [string, (prompts: readonly string[]) => string | Buffer][] = [
    ['data.tsv', (prompts) => csv(prompts).replaceAll(',', '\t')],
    ['data.csv.gz', (prompts) => gzipSync(csv(prompts))],
    ['data.json', (prompts) => JSON.stringify(objects(prompts))],
    [
      'data.jsonl',
      (prompts) =>
        objects(prompts)
          .map((row) => `${JSON.stringify(row)}\n`)
          .join(''),
    ],
    [
      'data.parquet',
      (prompts) =>
        Buffer.from(
          parquetWriteBuffer({ columnData: [{ name: 'text', data: [...prompts], type: 'STRING' }] }),
        ),
    ],
  ];

  test.each(formats)('%s', async (name, format) => {
    await world.write(name, format(before));
    const column = name.includes('json') ? [] : ['-c', 'text'];
    const args = ['run', '-f', name, ...column, '-p', 'openai', '-m', 'm', '--sync', '--no-cache', '-w', '3'];
    const after = ['p1', 'p0', 'new', ...before.slice(2)];
    const ended = await runEdited(args, () => edit(name, format(after), 'replaced'));
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain('has changed since this run began: ');
    const asked = world.server.requests.length;
    expect((await world.loom(...args)).code).toBe(0);
    expect(world.asked().slice(asked)).toEqual(['new']);
    const output = (await readdir(world.folder)).find((file) => file.includes('_results_')) as string;
    expect(await readAnswers(output)).toEqual(after.map((prompt) => `Answer to ${prompt}`));
  });

  async function readAnswers(name: string): Promise<unknown[]> {
    if (name.endsWith('.parquet')) {
      const file = new Uint8Array(await world.readBytes(name)).buffer;
      return (await parquetReadObjects({ file })).map(({ llm_response }) => llm_response);
    }
    const text = await world.read(name);
    if (name.endsWith('.json'))
      return JSON.parse(text).map((row: { llm_response: string }) => row.llm_response);
    const lines = text.trim().split('\n');
    if (name.endsWith('.jsonl')) return lines.map((line) => JSON.parse(line).llm_response);
    return lines.slice(1).map((line) => line.split(/[\t,]/).at(-1));
  }
});
