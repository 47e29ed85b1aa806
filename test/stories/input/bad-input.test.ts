/** Bad input is one clear line: nothing is sent, nothing is written, nothing stays behind. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { runArgs } from '../../program.ts';
import { refusal } from '../worlds/http-server.ts';
import { useServedWorld } from '../worlds/use-world.ts';

const { world, server } = useServedWorld(() => refusal(400, 'must not be called'));

/** The voice of the tool, which is no part of an error. */
const voice = /^Weaving live\.\.\./;

interface Refusal {
  readonly args: readonly string[];
  readonly code: number;
  /** Everything that the error line must say. */
  readonly says: readonly (string | RegExp)[];
}

async function expectRefusal({ args, code, says }: Refusal): Promise<void> {
  const folder = await world.listFolder();
  const ended = await world.loom(...args);
  const lines = ended.stderr.split('\n').filter((line) => line !== '' && !voice.test(line));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^Error: /);
  for (const word of says) {
    if (typeof word === 'string') expect(lines[0]).toContain(word);
    else expect(lines[0]).toMatch(word);
  }
  expect(ended.stdout).toBe('');
  expect(ended.code).toBe(code);
  expect(server.requests).toEqual([]);
  expect(await world.listFolder()).toEqual(folder);
  expect(await world.listState()).toEqual([]);
}

/** What the readers of each format say is theirs to test; here is one of each kind. */
const badFiles: readonly [name: string, content: string | Buffer | undefined | null, ...says: string[]][] = [
  ['data.txt', 'text\nHello\n', 'data.txt', 'name it .tsv, and give prompt as its column.'],
  ['data.xlsx', 'x', 'data.xlsx', 'choose File > Save As > CSV UTF-8'],
  ['data.gz', 'x', 'data.gz', '.json.gz', '.csv.gz'],
  ['gone.csv', undefined, 'gone.csv', 'no such file'],
  ['folder.csv', null, 'folder.csv', 'folder'],
  ['header.csv', 'id,text\n', 'Input file contains no prompts.', 'header.csv'],
  ['none.json', '[]', 'Input file contains no prompts.'],
  ['blank.csv', 'id,text\n1,\n2,"  "\n3,"\n"\n', 'Input file contains no prompts.', 'blank.csv'],
  ['blank.json', '[{"text":""},{"text":null},{"text":" \\n\\t"}]', 'Input file contains no prompts.'],
  ['column.csv', 'id,txt\n1,Hello\n', '"text"', '"id"', 'Did you mean "txt"?'],
  ['ragged.csv', 'id,text\n1,Hello\n\n2,"two\nlines"\n3,a,b\n', 'ragged.csv', 'line 6', ' 3 ', ' 2.'],
  ['cut.json', '[{"text":"Hello"},{"text":"Wor', 'cut.json', 'entry 2'],
  ['cut.csv.gz', gzipSync(`text\n${'Hello world\n'.repeat(100)}`).subarray(0, 30), 'cut.csv.gz', 'gzip'],
];

describe.each([
  ['a batch run', ['run', '-p', 'openai']],
  ['a live run', ['run', '--sync', '-p', 'openai']],
  ['a token count', ['tokens', '-p', 'anthropic']],
])('%s refuses, before anything is sent,', (_, command) => {
  test.each(badFiles)('%s', async (name, content, ...says) => {
    if (content === null) await mkdir(join(world.folder, name));
    else if (content !== undefined) await world.write(name, content);
    await expectRefusal({ args: [...command, '-m', 'm', '-c', 'text', '-f', name], code: 1, says });
  });

  test('a table without --col', async () => {
    await world.write('data.csv', 'id,text\n1,Hello\n');
    const args = [...command, '-m', 'm', '-f', 'data.csv'];
    await expectRefusal({ args, code: 1, says: ['--col', 'data.csv'] });
  });
});

describe('a bad row at the very end is found before the first row is sent', () => {
  const good = Array.from({ length: 5_000 }, (_, index) => `${index},Prompt ${index}\n`).join('');

  test.each([['run'], ['run', '--sync', '--no-cache']])('by %s %s', async (...command) => {
    await world.write('long.csv', `id,text\n${good}last,one,cell too many\n`);
    const args = [...command, '-f', 'long.csv', '-c', 'text', '-p', 'openai', '-m', 'm'];
    await expectRefusal({ args, code: 1, says: ['long.csv', 'line 5002'] });
  });
});

describe('a usage error exits with 2:', () => {
  const run = 'run -f data.csv -c text -p openai -m m';
  test.each([
    [`${run} --sync --workers 0`, '--workers', '0'],
    [`${run} --sync -w -1`, '--workers'],
    [`${run} --sync --workers 1.5`, '--workers', '1.5'],
    [`${run} --sync --workers many`, '--workers', 'many'],
    ['tokens -f data.csv -c text -p google -m m -w 0', '--workers'],
    ['run -f data.csv -p nobody -m m', 'nobody', 'openai', 'anthropic', 'google', 'openrouter', 'alibaba'],
    [`${run} --colour`, '--colour'],
    ['list --keep', '--keep'],
    ['run -p openai -m m', '--file'],
    ['run -f data.csv -m m', '--provider'],
    ['run -f data.csv -p openai', '--model'],
    ['run -f data.csv -p openai -m', '--model'],
    ['list all', 'argument'],
    ['cache fill', 'fill'],
    [`${run} --base-url nonsense`, '--base-url', 'nonsense'],
  ])('%s', async (line, ...says) => {
    await world.write('data.csv', 'id,text\n1,Hello\n');
    await expectRefusal({ args: line.split(' '), code: 2, says });
  });
});

test.each([
  ['http://user:pa/s3cret@gateway.example.com:port', 'http://…@gateway.example.com:port'],
  ['user:s3cret@gateway.example.com', '…@gateway.example.com'],
  ['https:/user:s3cret@gateway.example.com', '…@gateway.example.com'],
  ['http://gateway.example.com:99999/v1?key=s3cret', 'http://gateway.example.com:99999/v1?…'],
  ['gateway.example.com/v1#s3cret', 'gateway.example.com/v1#…'],
])('what may be a password in the mistyped address %s is not told', async (address, told) => {
  await world.write('data.csv', 'id,text\n1,Hello\n');
  const ended = await world.loom(
    'run',
    '-f',
    'data.csv',
    '-c',
    'text',
    '-p',
    'openai',
    '-m',
    'm',
    '--base-url',
    address,
  );
  expect(ended.code).toBe(2);
  expect(ended.stderr).toBe(
    `Error: the base URL "${told}" is not a http(s) address. Give --base-url an address such as https://gateway.example.com/v1.\n`,
  );
});

describe.each(['--batch', '--sync'])('a %s run is refused', (mode) => {
  const refuses = (says: (string | RegExp)[], ...flags: string[]) =>
    expectRefusal({ args: runArgs(mode, ...flags), code: 1, says });

  beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n'));

  test.each(['', ' '])('with the key %j, naming the variable, .env and --api-key', async (key) => {
    world.environment.OPENAI_API_KEY = key;
    // On this machine an OpenAI-compatible server needs no key.
    world.environment.OPENAI_BASE_URL = 'http://gateway.example.com/v1';
    await refuses(['OPENAI_API_KEY', '.env', '--api-key']);
  });

  test('when the output folder does not exist', () =>
    refuses([join(world.folder, 'nowhere')], '-o', join('nowhere', 'out.csv')));

  test('when a file stands where the output folder should be', async () => {
    await world.write('file', '');
    await refuses([join(world.folder, 'file')], '-o', join('file', 'out.csv'));
  });

  test('when a folder is where the output should go', async () => {
    await mkdir(join(world.folder, 'data_results_openai_m.csv'));
    await refuses(['data_results_openai_m.csv', /folder/]);
  });

  test('when no disk takes so long a name as that of the output', () =>
    refuses(['name is too long', '--output'], '-o', `${'o'.repeat(252)}.csv`));

  test.skipIf(process.getuid?.() === 0)('when the output folder is not writable', async () => {
    await mkdir(join(world.folder, 'locked'), { mode: 0o500 });
    await refuses([join(world.folder, 'locked'), /permission/], '-o', join('locked', 'out.csv'));
  });
});

test('OpenRouter takes batches only when asked: that is said before the file is even read', async () => {
  const args = ['run', '-f', 'gone.csv', '-c', 'text', '-p', 'openrouter', '-m', 'm'];
  expect(await world.loom(...args)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'Error: OpenRouter has no batch API that is used unasked. Re-run with --sync, or with --batch.\n',
  });
  expect(server.requests).toEqual([]);
});
