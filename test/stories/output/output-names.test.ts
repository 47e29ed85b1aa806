/** Where an output goes, and what is told of it before anything is sent. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);
const model = ['-p', 'openai', '-m', 'm'];
const outputName = 'data_results_openai_m.csv';
const answered = 'text,llm_response\na,Sandbox answer from m: a\n';

beforeEach(() => world.write('data.csv', 'text\na\nb\n'));

describe('an output that is called as a file of another format', () => {
  const say = (name: string, title: string, proposed: string) =>
    `Error: ${name} would hold ${title}: an output has the format of its input. Call the output ${proposed}.\n`;

  test.each([
    ['data.csv', 'labels.json', say('labels.json', 'CSV', 'labels.csv')],
    ['data.csv', 'labels.JSONL', say('labels.JSONL', 'CSV', 'labels.csv')],
    ['data.csv', 'a.b.tsv.gz', say('a.b.tsv.gz', 'CSV', 'a.b.csv')],
    ['data.csv', 'labels.xlsx', say('labels.xlsx', 'CSV', 'labels.csv')],
    ['data.jsonl', 'labels.csv', say('labels.csv', 'JSONL', 'labels.jsonl')],
    ['data.json', 'labels.parquet', say('labels.parquet', 'JSON', 'labels.json')],
  ])('is refused live, as a batch and in a dry run: %s to %s', async (input, output, message) => {
    await world.write('data.jsonl', '{"text":"a"}\n');
    await world.write('data.json', '[{"text":"a"}]\n');
    for (const flags of [['--sync'], [], ['--dry-run']]) {
      const ended = await world.loom('run', input, '-c', 'text', ...model, ...flags, '-o', output);
      expect(ended).toEqual({ code: 2, stdout: '', stderr: message });
    }
    expect(await world.listFolder()).not.toContain(output);
  });

  test.each(['labels.csv', 'labels.CSV', 'labels', 'labels.txt', 'labels.2026'])(
    'may be called %s',
    async (output) => {
      expect(await world.run('--sync', '-o', output)).toMatchObject({ code: 0 });
    },
  );
});

describe('an output of picked rows with the name of that of all rows', () => {
  beforeEach(async () => {
    await world.run('--sync');
  });

  test.each([['--limit'], ['--sample']])(
    'is asked about at a terminal, also with --force: %s',
    async (pick) => {
      const args = ['run', 'data.csv', '-c', 'text', ...model, '--sync', pick, '1', '--force'];
      const kept = await world.read(outputName);
      const shown = await atTerminalHere(world, args, { typed: 'n\r' });
      expect(shown.code).toBe(0);
      expect(shown.sentences).toContain(
        `Warning: output file ${join(world.folder, outputName)} already exists, and may hold all rows: this run writes some of them.`,
      );
      expect(shown.sentences).toContain('Overwrite? [y/N] ');
      expect(shown.sentences).toContain('Aborted. Name another file with --output.');
      expect(await world.read(outputName)).toBe(kept);
      expect(await atTerminalHere(world, args, { typed: 'y\r' })).toMatchObject({ code: 0 });
      expect(await world.read(outputName)).not.toBe(kept);
    },
  );

  test('is replaced with --force where nobody can be asked, and where it has a name of its own', async () => {
    expect(await world.run('--sync', '--limit', '1', '--force')).toMatchObject({ code: 0 });
    expect(await world.read(outputName)).toBe(answered);
    const args = ['run', 'data.csv', '-c', 'text', ...model, '--sync', '--limit', '1', '--force'];
    const shown = await atTerminalHere(world, [...args, '-o', outputName]);
    expect(shown).toMatchObject({ code: 0, text: expect.not.stringContaining('Overwrite?') });
  });
});

describe('a file in the way of a batch', () => {
  const note = () =>
    `Note: ${join(world.folder, outputName)} is there already. loom fetch asks before it replaces it, and where nobody can be asked it needs --force.\n`;

  test('is told when it is submitted, once, and stays', async () => {
    await world.write(outputName, 'old');
    const submitted = await world.run('--no-cache');
    submittedId(submitted);
    expect(submitted.stderr.split(note())).toHaveLength(2);
    expect((await fetchUntilDone(world)).code).toBe(1);
    expect(await world.read(outputName)).toBe('old');
    expect((await world.loom('fetch', '--force')).code).toBe(0);
  });

  test('is not told where there is none, nor where the same work is pending', async () => {
    expect((await world.run('--no-cache')).stderr).not.toContain('is there already');
    await world.write(outputName, 'old');
    const again = await world.run('--no-cache');
    expect(again.stdout).toContain('Nothing sent: ');
    expect(again.stderr).not.toContain('is there already');
  });

  test('is not told where it was asked about', async () => {
    await world.write(outputName, 'old');
    const ended = await world.run('--no-cache', '--wait', '--force');
    expect(ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('is there already') });
  });
});

test('what a flag reads from a file may be in UTF-16', async () => {
  const wide = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');
  await world.write('prompt.txt', wide('Say {{text}}, naïve\r\n'));
  await world.write('schema.json', wide('{"type": "object", "properties": {"é": {"type": "string"}}}'));
  const args = ['run', 'data.csv', ...model, '--prompt', '@prompt.txt', '--schema', 'schema.json'];
  const shown = await world.loom(...args, '--preview', '1');
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('  Say a, naïve\n') });
  expect(shown.stdout).toContain('"é"');
});
