/** Bad input is one clear line: nothing is sent, nothing is written, nothing stays behind. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../program.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { baseUrlVariables, keyVariables, providers } from './sandbox-world.ts';

let world: World;
let server: HttpServer;

beforeEach(async () => {
  server = await startHttpServer(() => ({ status: 400, body: { error: { message: 'must not be called' } } }));
  const environment: Record<string, string> = {};
  for (const provider of providers) {
    environment[baseUrlVariables[provider]] = server.url;
    environment[keyVariables[provider]] = 'a-key';
  }
  world = await createWorld(environment);
});

afterEach(async () => {
  await server.close();
  await world.remove();
});

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

const target = ['-p', 'openai', '-m', 'm'];

interface BadFile {
  readonly what: string;
  readonly name: string;
  /** undefined: there is no such file; null: it is a folder. */
  readonly content: string | Buffer | undefined | null;
  readonly flags?: readonly string[];
  readonly says: readonly (string | RegExp)[];
}

const text = ['-c', 'text'];
const badFiles: readonly BadFile[] = [
  {
    what: 'an unknown extension',
    name: 'data.txt',
    content: 'text\nHello\n',
    flags: text,
    says: ['data.txt', '.json', '.csv', '.json.gz', '.csv.gz'],
  },
  { what: 'an Excel file', name: 'data.xlsx', content: 'x', says: ['data.xlsx', '.json.gz', '.csv.gz'] },
  {
    what: 'a gzip of nothing known',
    name: 'data.gz',
    content: 'x',
    says: ['data.gz', '.json.gz', '.csv.gz'],
  },
  {
    what: 'a missing file',
    name: 'gone.csv',
    content: undefined,
    flags: text,
    says: ['gone.csv', /no such file/],
  },
  { what: 'a folder', name: 'folder.csv', content: null, flags: text, says: ['folder.csv', /folder/] },
  { what: 'an empty CSV', name: 'empty.csv', content: '', flags: text, says: ['empty.csv', /empty/] },
  { what: 'an empty JSON file', name: 'empty.json', content: '', says: ['empty.json', /empty/] },
  {
    what: 'a header without rows',
    name: 'header.csv',
    content: 'id,text\n',
    flags: text,
    says: ['Input file contains no prompts.', 'header.csv'],
  },
  { what: 'an empty list', name: 'none.json', content: '[]', says: ['Input file contains no prompts.'] },
  {
    what: 'a CSV with only blank prompts',
    name: 'blank.csv',
    content: 'id,text\n1,\n2,"  "\n3,"\n"\n',
    flags: text,
    says: ['Input file contains no prompts.', 'blank.csv'],
  },
  {
    what: 'a JSON list with only blank prompts',
    name: 'blank.json',
    content: '[{"prompt":""},{"prompt":null},{"prompt":" \\n\\t"}]',
    says: ['Input file contains no prompts.'],
  },
  {
    what: 'an unknown column',
    name: 'data.csv',
    content: 'id,prompt_text,lang\n1,Hello,en\n',
    flags: ['-c', 'promt_text'],
    says: ['"promt_text"', '"id"', '"prompt_text"', '"lang"', 'Did you mean "prompt_text"?'],
  },
  {
    what: 'a CSV without --col',
    name: 'data.csv',
    content: 'id,text\n1,Hello\n',
    says: ['--col', 'data.csv'],
  },
  {
    what: 'a row with too many cells',
    name: 'ragged.csv',
    content: 'id,text\n1,Hello\n\n2,"two\nlines"\n3,a,b\n',
    flags: text,
    says: ['ragged.csv', 'line 6', /\b3\b/, /\b2\b/],
  },
  {
    what: 'a row with too few cells',
    name: 'ragged.csv',
    content: 'id,text\r\n1,Hello\r\n2\r\n',
    flags: text,
    says: ['ragged.csv', 'line 3'],
  },
  {
    what: 'a quote that is never closed',
    name: 'quote.csv',
    content: 'id,text\n1,Hello\n2,"never closed\n3,x\n',
    flags: text,
    says: ['quote.csv', 'line 3', /quote/],
  },
  {
    what: 'text after a closing quote',
    name: 'quote.csv',
    content: 'id,text\n1,"Hello"x\n',
    flags: text,
    says: ['quote.csv', 'line 2', /quote/],
  },
  {
    what: 'JSON that is no list',
    name: 'data.json',
    content: '{"prompt":"Hello"}',
    says: ['data.json', /list/],
  },
  {
    what: 'JSON that is cut off',
    name: 'data.json',
    content: '[{"prompt":"Hello"},{"prompt":"Wor',
    says: ['data.json', /entry 2\b/],
  },
  {
    what: 'an entry that is no object',
    name: 'data.json',
    content: '[{"prompt":"Hello"},"World"]',
    says: ['data.json', /entry 2\b/, /object/],
  },
  {
    what: 'an entry without a prompt',
    name: 'data.json',
    content: '[{"prompt":"Hello"},{"id":"x","text":"World"}]',
    says: ['data.json', /entry 2\b/, /prompt/],
  },
  {
    what: 'half of a surrogate pair',
    name: 'data.json',
    content: '[{"prompt":"fine \\ud83e\\uddf5"},{"prompt":"half \\ud83e"}]',
    says: ['data.json', /entry 2\b/, /surrogate/],
  },
  {
    what: 'a gzip file that is cut off',
    name: 'data.csv.gz',
    content: gzipSync(`text\n${'Hello world\n'.repeat(100)}`).subarray(0, 30),
    flags: text,
    says: ['data.csv.gz', /gzip/],
  },
  {
    what: 'a .gz that is no gzip',
    name: 'data.json.gz',
    content: '[{"prompt":"Hello"}]',
    says: ['data.json.gz', /gzip/],
  },
  {
    what: 'bytes in a CSV that are no UTF-8',
    name: 'latin1.csv',
    content: Buffer.from('id,text\n1,Hello\n2,Caf\xe9\n', 'latin1'),
    flags: text,
    says: ['latin1.csv', 'line 3', /UTF-8/],
  },
  {
    what: 'bytes in JSON that are no UTF-8',
    name: 'latin1.json',
    content: Buffer.from('[{"prompt":"Hello"},{"prompt":"Caf\xe9"}]', 'latin1'),
    says: ['latin1.json', /entry 2\b/, /UTF-8/],
  },
  {
    what: 'UTF-16',
    name: 'wide.csv',
    content: Buffer.from('\uFEFFid,text\n1,Hello\n', 'utf16le'),
    flags: text,
    says: ['wide.csv', /UTF-8/],
  },
];

describe.each([
  { mode: 'a batch run', command: ['run'] },
  { mode: 'a live run', command: ['run', '--sync'] },
  { mode: 'a token count', command: ['tokens'] },
])('$mode refuses, before anything is sent,', ({ command }) => {
  const provider = command[0] === 'tokens' ? ['-p', 'anthropic', '-m', 'm'] : target;

  test.each(badFiles)('$what', async ({ name, content, flags = [], says }) => {
    if (content === null) await mkdir(join(world.folder, name));
    else if (content !== undefined) await world.write(name, content);
    await expectRefusal({ args: [...command, '-f', name, ...provider, ...flags], code: 1, says });
  });
});

describe('a bad row at the very end is found before the first row is sent', () => {
  const good = Array.from({ length: 20_000 }, (_, index) => `${index},Prompt ${index}\n`).join('');

  test.each([['run'], ['run', '--sync', '--no-cache']])('by %s %s', async (...command) => {
    await world.write('long.csv', `id,text\n${good}last,one,cell too many\n`);
    const args = [...command, '-f', 'long.csv', '-c', 'text', ...target];
    await expectRefusal({ args, code: 1, says: ['long.csv', 'line 20002'] });
  });
});

describe('a usage error exits with 2:', () => {
  const file = ['-f', 'data.csv', '-c', 'text'];
  test.each<[string, string[], (string | RegExp)[]]>([
    ['--workers 0', ['run', ...file, ...target, '--sync', '--workers', '0'], ['--workers', '0']],
    ['-w -1', ['run', ...file, ...target, '--sync', '-w', '-1'], ['--workers']],
    ['--workers 1.5', ['run', ...file, ...target, '--sync', '--workers', '1.5'], ['--workers', '1.5']],
    ['--workers many', ['run', ...file, ...target, '--sync', '--workers', 'many'], ['--workers', 'many']],
    ['--workers 0 of tokens', ['tokens', ...file, '-p', 'google', '-m', 'm', '-w', '0'], ['--workers']],
    [
      'an unknown provider',
      ['run', ...file, '-p', 'mistral', '-m', 'm'],
      ['mistral', 'openai', 'anthropic', 'google', 'openrouter', 'alibaba'],
    ],
    ['an unknown flag', ['run', ...file, ...target, '--colour'], ['--colour']],
    ['a flag of another command', ['list', '--keep'], ['--keep']],
    ['a missing --file', ['run', ...target], ['--file']],
    ['a missing --provider', ['run', ...file, '-m', 'm'], ['--provider']],
    ['a missing --model', ['run', ...file, '-p', 'openai'], ['--model']],
    ['a flag without its value', ['run', ...file, '-p', 'openai', '-m'], ['--model']],
    ['an empty model', ['run', ...file, '-p', 'openai', '-m', ' '], ['--model']],
    ['an unknown command', ['weave'], ['weave']],
    ['an argument too many', ['list', 'all'], [/argument/]],
    ['an unknown command of cache', ['cache', 'fill'], ['fill']],
    [
      'a base URL that is none',
      ['run', ...file, ...target, '--base-url', 'nonsense'],
      ['--base-url', 'nonsense'],
    ],
  ])('%s', async (_, args, says) => {
    await world.write('data.csv', 'id,text\n1,Hello\n');
    await expectRefusal({ args, code: 2, says });
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
  const ended = await world.loom('run', '-f', 'data.csv', '-c', 'text', ...target, '--base-url', address);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toBe(
    `Error: the base URL "${told}" is not a http(s) address. Give --base-url an address such as https://gateway.example.com/v1.\n`,
  );
});

describe.each([
  ['a batch run', ['run']],
  ['a live run', ['run', '--sync']],
] as const)('%s is refused', (_, command) => {
  const data = ['-f', 'data.csv', '-c', 'text', ...target];
  // On this machine an OpenAI-compatible server needs no key.
  const elsewhere = 'http://gateway.example.com/v1';
  beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n'));

  test('without a key, naming the variable, .env and --api-key', async () => {
    delete world.environment.OPENAI_API_KEY;
    world.environment.OPENAI_BASE_URL = elsewhere;
    await expectRefusal({
      args: [...command, ...data],
      code: 1,
      says: ['OPENAI_API_KEY', '.env', '--api-key'],
    });
  });

  test('with an empty key', async () => {
    world.environment.OPENAI_API_KEY = ' ';
    world.environment.OPENAI_BASE_URL = elsewhere;
    await expectRefusal({ args: [...command, ...data], code: 1, says: ['OPENAI_API_KEY'] });
  });

  test('when the output folder does not exist', async () => {
    const args = [...command, ...data, '-o', join('nowhere', 'out.csv')];
    await expectRefusal({ args, code: 1, says: [join(world.folder, 'nowhere')] });
  });

  test('when a file stands where the output folder should be', async () => {
    await world.write('file', '');
    const args = [...command, ...data, '-o', join('file', 'out.csv')];
    await expectRefusal({ args, code: 1, says: [join(world.folder, 'file')] });
  });

  test('when a folder is where the output should go', async () => {
    await mkdir(join(world.folder, 'data_results_openai_m.csv'));
    await expectRefusal({
      args: [...command, ...data],
      code: 1,
      says: ['data_results_openai_m.csv', /folder/],
    });
  });

  test('when no disk takes so long a name as that of the output', async () => {
    const args = [...command, ...data, '-o', `${'o'.repeat(252)}.csv`];
    await expectRefusal({ args, code: 1, says: ['name is too long', '--output'] });
  });

  test.skipIf(process.getuid?.() === 0)('when the output folder is not writable', async () => {
    await mkdir(join(world.folder, 'locked'), { mode: 0o500 });
    const args = [...command, ...data, '-o', join('locked', 'out.csv')];
    await expectRefusal({ args, code: 1, says: [join(world.folder, 'locked'), /permission/] });
  });
});

test('OpenRouter has no batch API: that is said before the file is even read', async () => {
  const args = ['run', '-f', 'gone.csv', '-c', 'text', '-p', 'openrouter', '-m', 'm'];
  expect(await world.loom(...args)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'Error: OpenRouter has no batch API. Re-run with --sync.\n',
  });
  expect(server.requests).toEqual([]);
});

test('an error has a stack trace only with LOOM_DEBUG=1', async () => {
  const args = ['run', '-f', 'gone.csv', '-c', 'text', ...target];
  expect((await world.loom(...args)).stderr).not.toMatch(/\n\s+at /);
  world.environment.LOOM_DEBUG = '1';
  expect((await world.loom(...args)).stderr).toMatch(/\n\s+at /);
});
