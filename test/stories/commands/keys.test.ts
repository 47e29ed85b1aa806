/** `loom keys`: a key is kept where only its owner reads it, and counts after all that a person says otherwise. */
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  forgetKey,
  keepKey,
  keysListDocumentSchema,
  keysRmDocumentSchema,
  keysSetDocumentSchema,
  listKeys,
  locateKeptKeys,
} from '../../../src/index.ts';
import { builtInNames } from '../../../src/providers/registry.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { type Received, type Response, refusal, say } from '../worlds/http-server.ts';
import { startOpenAiDouble } from '../worlds/openai-double.ts';
import {
  baseUrlVariables,
  batchProviders,
  keyVariables,
  orderOf,
  type ProviderName,
  providers,
} from '../worlds/sandbox-world.ts';
import { useServer, useWorld } from '../worlds/use-world.ts';

let answer: () => Response;
const server = useServer(() => answer());
const world = useWorld();
const key = 'sk-proj-0123456789abcdefWXYZ';
const path = () => world.statePath('keys.json');
const hasModes = process.platform !== 'win32' && process.getuid?.() !== undefined;

beforeEach(async () => {
  answer = () => say('fine');
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

const readKeys = async () => JSON.parse(await world.readState('keys.json'));
const keepAll = (keys: object) =>
  world.writeState('keys.json', JSON.stringify(keys)).then(() => chmod(path(), 0o600));
const run = (provider: ProviderName, ...flags: string[]) =>
  world.run('-p', provider, '--sync', '--no-cache', '--force', ...flags);

function keyOf({ headers }: Received): string | undefined {
  const sent =
    headers['x-goog-api-key'] ?? headers['x-api-key'] ?? headers.authorization?.replace('Bearer ', '');
  return sent as string | undefined;
}

const lastKey = () => keyOf(server.requests.at(-1) as Received);

describe('loom keys set', () => {
  test('keeps what comes through stdin, without white space and quotes, in a file of its owner alone', async () => {
    const ended = await world.pipe(` "${key}"\r\n`, 'keys', 'set', 'openai');
    expect(ended).toEqual({ code: 0, stdout: `Key kept. provider=openai path=${path()}\n`, stderr: '' });
    expect(await readKeys()).toEqual({ openai: key });
    expect(await readdir(join(world.home, '.loom'))).toEqual(['keys.json', 'locks', 'loom-home.json']);
    expect(await readdir(join(world.home, '.loom/locks'))).toEqual([]);
    if (!hasModes) return;
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect((await stat(join(world.home, '.loom'))).mode & 0o777).toBe(0o700);
  });

  test('replaces the key of one provider, and leaves the others, also such as it does not know', async () => {
    await keepAll({ openai: 'old-key', anthropic: 'another-key', acme: 'key-of-a-later-version' });
    const ended = await world.pipe(key, 'keys', 'set', 'openai');
    expect(ended.stdout).toBe(`Key replaced. provider=openai path=${path()}\n`);
    expect(await readKeys()).toEqual({
      openai: key,
      anthropic: 'another-key',
      acme: 'key-of-a-later-version',
    });
  });

  test('loses none where several are kept at once', async () => {
    const ended = await Promise.all(
      providers.map((provider) => world.pipe(`${key}-${provider}`, 'keys', 'set', provider)),
    );
    expect(ended.map(({ code }) => code)).toEqual(providers.map(() => 0));
    expect(await readKeys()).toEqual(Object.fromEntries(providers.map((name) => [name, `${key}-${name}`])));
  });

  test('reads what a shell of Windows pipes', async () => {
    const piped = Buffer.from(`\ufeff${key}\r\n`, 'utf16le');
    expect((await world.pipe(piped, 'keys', 'set', 'google')).code).toBe(0);
    expect(await readKeys()).toEqual({ google: key });
  });

  test.each([
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    ['""\n', 'it is empty'],
    ['sk-one\nsk-two\n', 'it has a space or a line break in it'],
    ['Bearer sk-one', 'it has a space or a line break in it'],
    ['sk-one\x1b[Atwo', 'it has a control character in it'],
    ['sk-one\0two', 'it has a control character in it'],
    ['sk-öne', 'it has a character in it that no key has'],
  ])('refuses %j', async (piped, reason) => {
    const ended = await world.pipe(piped, 'keys', 'set', 'openai');
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: that is no key: ${reason}. Nothing was kept. Paste the key alone, as the provider shows it.\n`,
    });
    expect(await world.listState()).toEqual([]);
  });

  test('does not read a long file to its end', async () => {
    async function* endless() {
      for (;;) yield 'x'.repeat(4096);
    }
    const ended = await world.pipe(endless(), 'keys', 'set', 'openai');
    expect(ended.stderr).toBe('Error: what came through stdin is longer than any key. Pass the key alone.\n');
    expect(ended.code).toBe(1);
  });

  test.each([[['openai', key]], [[`openai`, '--api-key', key]], [[`openai`, `--key=${key}`]], [[key]], [[]]])(
    'takes no key as an argument, and repeats none: %j',
    async (words) => {
      const ended = await world.pipe(key, 'keys', 'set', ...words);
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toMatch(/^Error: [^\n]+\n$/);
      expect(ended.stderr).not.toContain(key.slice(0, 12));
      if (words[1] === key)
        expect(ended.stderr).toBe(
          'Error: a key is no argument: it would stay in the history of your shell. Leave it out: it is asked for, or taken from stdin.\n',
        );
      expect(await world.listState()).toEqual([]);
    },
  );

  test('knows a provider by what people call it', async () => {
    const { stderr } = await world.pipe(key, 'keys', 'set', 'claude');
    expect(stderr).toContain('Did you mean anthropic?');
  });

  test('lies in the own home, whatever LOOM_HOME says', async () => {
    const shared = join(world.folder, 'shared');
    world.environment.LOOM_HOME = shared;
    await world.write('.env', `HOME=${shared}\n`);
    expect((await world.pipe(key, 'keys', 'set', 'openai')).stdout).toContain(path());
    expect(await readKeys()).toEqual({ openai: key });
    expect(await world.listFolder()).toEqual(['.env', 'data.csv']);
    world.environment[baseUrlVariables.openai] = server.url;
    expect((await run('openai')).code).toBe(0);
    expect(lastKey()).toBe(key);
  });

  test('says which key goes before it', async () => {
    world.environment.OPENAI_API_KEY = 'key-of-environment';
    const ended = await world.pipe(key, 'keys', 'set', 'openai');
    expect(ended.stderr).toBe('The key in OPENAI_API_KEY goes before it.\n');
  });

  test.skipIf(!hasModes)('puts no key where other users can write', async () => {
    await mkdir(join(world.home, '.loom'));
    await chmod(join(world.home, '.loom'), 0o777);
    const ended = await world.pipe(key, 'keys', 'set', 'openai');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toBe(
      `Error: other users of this machine can write to ${join(world.home, '.loom')}, where keys would lie. Run chmod 700 ${join(world.home, '.loom')}, or give the key by the environment.\n`,
    );
    expect(await world.listState()).not.toContain('keys.json');
  });
});

describe('at a terminal', () => {
  const cue = 'Enter ends it): ';
  const prompt = 'The key of OpenAI (not shown, Enter ends it): ';
  const set = ['keys', 'set', 'openai'];

  test('the key is typed without being shown, and is edited', async () => {
    const typed = `wrong\x15sk-abX\x7f${key.slice(5)}\x1b[D\r`;
    const shown = await atTerminalHere(world, set, { cue, typed });
    expect(shown).toMatchObject({ code: 0, text: `${prompt}\nKey kept. provider=openai path=${path()}\n` });
    expect(await readKeys()).toEqual({ openai: `sk-ab${key.slice(5)}` });
  });

  test('a key is pasted between marks, with a line break at its end', async () => {
    await atTerminalHere(world, set, { cue, typed: `\x1b[200~${key}\n\x1b[201~` });
    expect(await readKeys()).toEqual({ openai: key });
  });

  test('Ctrl+C ends it, and nothing is kept', async () => {
    const shown = await atTerminalHere(world, set, { cue, typed: `${key}\x03` });
    expect(shown).toMatchObject({ code: 130, text: `${prompt}\nInterrupted by SIGINT.\n` });
    expect(await world.listState()).toEqual([]);
  });

  test('an empty line is no key', async () => {
    const shown = await atTerminalHere(world, set, { cue, typed: '\r' });
    expect(shown.code).toBe(1);
    expect(shown.text).toContain('that is no key: it is empty.');
  });
});

describe.each(providers)('a kept key of %s', (provider) => {
  beforeEach(() => {
    world.environment[baseUrlVariables[provider]] = server.url;
  });

  test('counts after --api-key, the environment and .env', async () => {
    await world.pipe('key-that-is-kept', 'keys', 'set', provider);
    expect((await run(provider)).code).toBe(0);
    expect(lastKey()).toBe('key-that-is-kept');
    await world.write('.env', `${keyVariables[provider]}=key-of-dotenv\n`);
    await run(provider);
    expect(lastKey()).toBe('key-of-dotenv');
    world.environment[keyVariables[provider]] = 'key-of-environment';
    await run(provider);
    expect(lastKey()).toBe('key-of-environment');
    await run(provider, '--api-key', 'key-of-flag');
    expect(lastKey()).toBe('key-of-flag');
  });

  test('is hidden where the provider repeats it', async () => {
    await keepAll({ [provider]: key });
    answer = () => refusal(401, `Incorrect key ${key}.`);
    const ended = await run(provider);
    expect(ended.code).toBe(1);
    expect(ended.stdout + ended.stderr).toContain('[key]');
    expect(ended.stdout + ended.stderr).not.toContain(key);
  });

  test('that is refused is told with the way to replace it, and any other with its variable', async () => {
    await keepAll({ [provider]: key });
    answer = () => refusal(401, 'No such key.');
    const commands = [
      ['run', ...orderOf(provider, '--sync', '--no-cache')],
      ['models', '--live', '-p', provider],
      ...(batchProviders.includes(provider)
        ? [['run', ...orderOf(provider, '--no-cache', '-o', 'b.csv')]]
        : []),
    ];
    for (const command of commands)
      expect((await world.loom(...command)).stderr).toMatch(
        new RegExp(`No such key\\. Replace the key that is kept with loom keys set ${provider}\\.\n$`),
      );
    world.environment[keyVariables[provider]] = 'key-of-environment';
    expect((await run(provider)).stderr).toMatch(
      new RegExp(`No such key\\. Check ${keyVariables[provider]} or --api-key\\.\n$`),
    );
  });
});

test('a batch is fetched with a kept key', async () => {
  const openai = await startOpenAiDouble();
  try {
    await keepAll({ openai: key });
    world.environment.OPENAI_BASE_URL = openai.url;
    await world.submit();
    expect((await world.loom('fetch')).stdout).toMatch(/^Fabric complete\. /);
    expect(openai.requests.map(({ headers }) => headers.authorization)).toContain(`Bearer ${key}`);
    expect(openai.requests.every(({ headers }) => headers.authorization === `Bearer ${key}`)).toBe(true);
  } finally {
    await openai.close();
  }
});

describe('a file of keys that is of no use', () => {
  const anthropic = () => run('anthropic');
  const mend = 'Mend it, or delete it and keep the keys anew with loom keys set.';
  const broken = () => `Error: ${path()} holds something else than a key for each provider. ${mend}\n`;

  beforeEach(() => {
    world.environment.ANTHROPIC_BASE_URL = server.url;
  });

  test.each([
    '',
    '{',
    '[]',
    '"sk-key"',
    '{"anthropic": 1}',
    '{"anthropic": ""}',
    '{"anthropic": "a key"}',
    '{"anthropic": "key", "openai": null}',
  ])('is one error where a key is needed from it: %j', async (content) => {
    await world.writeState('keys.json', content);
    await chmod(path(), 0o600);
    expect(await anthropic()).toEqual({ code: 1, stdout: '', stderr: broken() });
    expect(server.requests).toEqual([]);
    for (const command of [['list'], ['rm', 'anthropic']])
      expect(await world.loom('keys', ...command)).toEqual({ code: 1, stdout: '', stderr: broken() });
    expect(await world.pipe(key, 'keys', 'set', 'openai')).toEqual({ code: 1, stdout: '', stderr: broken() });
    expect(await world.readState('keys.json')).toBe(content);
  });

  test('is no trouble where the key comes from elsewhere, or none is needed', async () => {
    await world.writeState('keys.json', '{');
    await chmod(path(), 0o600);
    world.environment.ANTHROPIC_API_KEY = 'key';
    expect(await anthropic()).toMatchObject({ code: 0 });
    world.environment.OPENAI_BASE_URL = server.url;
    expect(await run('openai')).toMatchObject({ code: 0 });
    expect(lastKey()).toBeUndefined();
    delete world.environment.ANTHROPIC_API_KEY;
    expect(await world.run('--sync', '-p', 'anthropic', '--dry-run')).toMatchObject({ code: 0 });
    expect(
      await world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', 'anthropic', '-m', 'm', '--preview'),
    ).toMatchObject({ code: 0 });
    expect(await world.run('--sync', '-p', 'anthropic', '--sandbox', '--force')).toMatchObject({ code: 0 });
  });

  test.skipIf(!hasModes).each([0o640, 0o604, 0o666])('is refused with the mode %o', async (mode) => {
    await keepAll({ anthropic: key });
    await chmod(path(), mode);
    const refused = {
      code: 1,
      stdout: '',
      stderr: `Error: the keys in ${path()} are open to other users of this machine (mode ${mode.toString(8)}). Run chmod 600 ${path()}; if others may have read them, replace the keys.\n`,
    };
    expect(await anthropic()).toEqual(refused);
    expect(await world.pipe(key, 'keys', 'set', 'openai')).toEqual(refused);
    await chmod(path(), 0o600);
    expect((await anthropic()).code).toBe(0);
  });

  test('is told for what it is', async () => {
    await mkdir(path(), { recursive: true });
    expect((await anthropic()).stderr).toBe(
      `Error: can't read ${path()}: it is a folder. Make it readable for you, or move it away.\n`,
    );
  });

  test('is not looked at by list and fetch with nothing to do', async () => {
    await mkdir(path(), { recursive: true });
    expect(await world.loom('list')).toMatchObject({ code: 0, stderr: '' });
    expect(await world.loom('fetch')).toMatchObject({
      code: 0,
      stderr: 'No pending batches. See loom list.\n',
    });
  });
});

describe('loom keys list', () => {
  test('shows of each key where it comes from and how it ends, and which one counts', async () => {
    await keepAll({ openai: key, alibaba: 'short-key-1234' });
    await world.write('.env', 'OPENAI_API_KEY="sk-of-dotenv-0123456789-abcd"\nANTHROPIC_API_KEY=\n');
    world.environment.GEMINI_API_KEY = 'AIza0123456789abcdefghQRST';
    world.environment.OPENROUTER_API_KEY = '   ';
    const ended = await world.loom('keys', 'list');
    expect(ended).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'provider     key    from',
        `openai       …abcd  OPENAI_API_KEY of ${join(world.folder, '.env')}`,
        `openai       …WXYZ  ${path()} (not used)`,
        'anthropic    -      -',
        'google       …QRST  GEMINI_API_KEY',
        'openrouter   -      -',
        `alibaba      …      ${path()}`,
        ...builtInNames.slice(5).map((name) => `${name.padEnd(13)}-      -`),
        '',
      ].join('\n'),
    });
  });

  test('makes no folder', async () => {
    expect((await world.loom('keys', 'list')).code).toBe(0);
    expect(await readdir(world.home)).toEqual([]);
  });
});

describe('loom keys rm', () => {
  test('removes the key of one provider, and the file with the last one', async () => {
    await keepAll({ openai: key, google: 'another-key' });
    world.environment.OPENAI_API_KEY = 'key-of-environment';
    expect(await world.loom('keys', 'rm', 'openai')).toEqual({
      code: 0,
      stdout: `Key removed. provider=openai path=${path()}\n`,
      stderr: 'There is still one in OPENAI_API_KEY.\n',
    });
    expect(await readKeys()).toEqual({ google: 'another-key' });
    await world.loom('keys', 'rm', 'google');
    expect(await world.listState()).toEqual([]);
  });

  test('says that there is none', async () => {
    expect(await world.loom('keys', 'rm', 'openai')).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: no key of OpenAI is kept in ${path()}. See loom keys list for those there are.\n`,
    });
    expect(await readdir(world.home)).toEqual([]);
  });
});

test('each command has a document, without the key', async () => {
  const json = ['--output-format', 'json'];
  const set = await world.pipe(key, 'keys', 'set', 'openai', ...json);
  expect(keysSetDocumentSchema.parse(JSON.parse(set.stdout))).toEqual({
    ...{ command: 'keys set', exit_code: 0, error: null },
    ...{ provider: 'openai', path: path(), replaced: false },
  });
  world.environment.OPENAI_API_KEY = 'a-key';
  const list = await world.loom('keys', 'list', ...json);
  expect(keysListDocumentSchema.parse(JSON.parse(list.stdout))).toEqual({
    ...{ command: 'keys list', exit_code: 0, error: null },
    keys: [
      {
        provider: 'openai',
        source: 'environment',
        variable: 'OPENAI_API_KEY',
        path: null,
        end: null,
        used: true,
      },
      { provider: 'openai', source: 'kept', variable: null, path: path(), end: 'WXYZ', used: false },
    ],
  });
  const rm = await world.loom('keys', 'rm', 'openai', ...json);
  expect(keysRmDocumentSchema.parse(JSON.parse(rm.stdout))).toMatchObject({ exit_code: 0, removed: true });
  const again = await world.loom('keys', 'rm', 'openai', ...json);
  expect(keysRmDocumentSchema.parse(JSON.parse(again.stdout))).toMatchObject({
    ...{ exit_code: 1, removed: false },
    error: { kind: 'key' },
  });
  const unfit = await world.pipe('', 'keys', 'set', 'openai', ...json);
  expect(keysSetDocumentSchema.parse(JSON.parse(unfit.stdout))).toMatchObject({
    ...{ exit_code: 1, replaced: null },
    error: { kind: 'key', code: 'key_unfit' },
  });
});

test('the library keeps, lists and forgets keys, and reads no .env unless told', async () => {
  const place = { environment: world.environment, workingFolder: world.folder };
  await world.write('.env', 'ANTHROPIC_API_KEY=key\n');
  expect(locateKeptKeys(place)).toBe(path());
  expect(await keepKey({ ...place, provider: 'openai', key: ` ${key} ` })).toBe(false);
  expect(await keepKey({ ...place, provider: 'openai', key })).toBe(true);
  const kept = {
    provider: 'openai',
    source: 'kept',
    variable: undefined,
    path: path(),
    end: 'WXYZ',
    isUsed: true,
  };
  expect(listKeys(place)).toEqual([kept]);
  expect(listKeys({ ...place, dotenv: true }).map(({ provider, source }) => [provider, source])).toEqual([
    ['openai', 'kept'],
    ['anthropic', 'dotenv'],
  ]);
  expect(await forgetKey({ ...place, provider: 'openai' })).toBe(true);
  expect(await forgetKey({ ...place, provider: 'openai' })).toBe(false);
  await expect(keepKey({ ...place, provider: 'openai', key: 'a b' })).rejects.toMatchObject({
    ...{ kind: 'key', code: 'key_unfit', facts: { reason: 'it has a space or a line break in it' } },
  });
});

test('a kept key that goes to an address of .env is told before anything is sent', async () => {
  await keepAll({ anthropic: key });
  await world.write('.env', `ANTHROPIC_BASE_URL=${server.url}\n`);
  const { stderr } = await run('anthropic');
  expect(stderr).toContain(
    `Warning: the key that loom keys keeps goes to ${server.url}, which ${join(world.folder, '.env')} names as ANTHROPIC_BASE_URL.\n`,
  );
});

test('completion proposes the commands and the providers', async () => {
  const complete = async (...words: string[]) =>
    (await world.loom('__complete', 'bash', ...words)).stdout.split('\n').map((line) => line.split('\t')[0]);
  expect(await complete('keys', '')).toEqual(['words', 'set', 'list', 'rm', '']);
  expect(await complete('keys', 'set', '')).toEqual(['words', ...builtInNames, '']);
});
