/** `loom doctor`: what it finds right and wrong of a machine and of keys, without showing one. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { doctor, doctorDocumentSchema } from '../../../src/index.ts';
import { baseUrlVariables, createSandboxWorld, keyVariables, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const key = 'a-key-of-mine-0123456789';

function forgetKeys(): void {
  for (const variable of Object.values(keyVariables)) delete world.environment[variable];
}

/** The line about a provider's key, or about something else. */
const lineOf = (stdout: string, about: string) =>
  stdout
    .split('\n')
    .find((line) => line.split(/ +/)[1] === about)
    ?.replace(/ +/g, ' ');

test('all is well where every provider takes its key', async () => {
  const ended = await world.loom('doctor');
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const lines = ended.stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual([
    ...['- config', 'ok node', 'ok home', 'ok disk'],
    ...providers.map((name) => `ok ${name}`),
    '- key',
  ]);
  expect(lineOf(ended.stdout, 'node')).toBe(`ok node Node.js ${process.versions.node}`);
  expect(lineOf(ended.stdout, 'home')).toBe(
    `ok home ${join(world.home, '.loom')}, which the first run makes`,
  );
  expect(await world.listState()).toEqual([]);
});

describe.each(providers)('%s:', (provider) => {
  const variable = keyVariables[provider];

  test('where the key is from, and how many models it is for, but not the key', async () => {
    world.environment[variable] = key;
    const here = await world.loom('doctor', '-p', provider);
    const address = world.environment[baseUrlVariables[provider]];
    expect(here.code).toBe(0);
    expect(lineOf(here.stdout, provider)).toMatch(
      new RegExp(
        `^ok ${provider} the key in ${variable} of the environment is taken; \\d models at ${address}$`,
      ),
    );
    delete world.environment[variable];
    await world.write('.env', `${variable}=${key}\n`);
    const inFile = await world.loom('doctor', '-p', provider);
    expect(lineOf(inFile.stdout, provider)).toContain(
      `the key in ${variable} of ${world.folder}/.env is taken`,
    );
    expect(here.stdout + inFile.stdout).not.toContain(key);
  });

  test('a key that is kept is told by its file', async () => {
    delete world.environment[variable];
    await world.pipe(`${key}\n`, 'keys', 'set', provider);
    const kept = await world.loom('doctor', '-p', provider);
    expect(kept.code).toBe(0);
    expect(lineOf(kept.stdout, provider)).toContain(`the key in ${world.statePath('keys.json')} is taken`);
  });

  test('a key that is refused is wrong', async () => {
    world.environment[variable] = `bad-${key}`;
    const ended = await world.loom('doctor', '-p', provider);
    expect(ended.code).toBe(1);
    expect(lineOf(ended.stdout, provider)).toMatch(
      new RegExp(`^wrong ${provider} the key in ${variable} of the environment is refused: .*\\.$`),
    );
    expect(ended.stdout).not.toContain(key);
  });

  test('one that is kept and refused is told with the way to replace it', async () => {
    delete world.environment[variable];
    await world.pipe(`bad-${key}\n`, 'keys', 'set', provider);
    const ended = await world.loom('doctor', '-p', provider);
    expect(ended.code).toBe(1);
    expect(lineOf(ended.stdout, provider)).toMatch(
      new RegExp(` is refused: .*\\. Replace it with loom keys set ${provider}\\.$`),
    );
  });

  test('a key and an address that are given are tried in place of what is found', async () => {
    const address = world.environment[baseUrlVariables[provider]] as string;
    world.environment[variable] = `bad-${key}`;
    world.environment[baseUrlVariables[provider]] = 'http://127.0.0.1:9/v1';
    const given = ['-p', provider, '--api-key', key, '--base-url', address];
    const ended = await world.loom('doctor', ...given);
    expect(ended.code).toBe(0);
    expect(lineOf(ended.stdout, provider)).toMatch(
      new RegExp(`^ok ${provider} the key that was given is taken; \\d models at ${address}$`),
    );
    const refused = await world.loom('doctor', ...given, '--api-key', `bad-${key}`);
    expect(refused.code).toBe(1);
    expect(lineOf(refused.stdout, provider)).toContain('the key that was given is refused: ');
    expect(ended.stdout + refused.stdout).not.toContain(key);
  });

  test('so is a server that is not there', async () => {
    world.environment[baseUrlVariables[provider]] = 'http://127.0.0.1:9/v1';
    const ended = await world.loom('doctor', '-p', provider);
    expect(ended.code).toBe(1);
    expect(lineOf(ended.stdout, provider)).toContain(`${variable} of the environment could not be tried: `);
  });

  test('so is an address that is none', async () => {
    world.environment[baseUrlVariables[provider]] = 'gateway';
    const ended = await world.loom('doctor', '-p', provider);
    expect(ended).toMatchObject({ code: 1, stderr: '' });
    expect(lineOf(ended.stdout, provider)).toContain(
      'could not be tried: the base URL "gateway" is not a http(s) address.',
    );
  });

  test('no key is a fault only where it is asked for', async () => {
    delete world.environment[variable];
    delete world.environment[baseUrlVariables[provider]];
    const meant = await world.loom('doctor', '-p', provider);
    expect(meant.code).toBe(1);
    expect(lineOf(meant.stdout, provider)).toBe(`wrong ${provider} no key in ${variable}: set it.`);
    const all = await world.loom('doctor');
    expect(all.code).toBe(0);
    expect(lineOf(all.stdout, 'key')).toMatch(
      new RegExp(`^- key none of ${provider}, \\w+, \\w+, \\w+, \\w+ and \\d+ others$`),
    );
  });
});

test('without any key it says so', async () => {
  forgetKeys();
  delete world.environment.OPENAI_BASE_URL;
  const ended = await world.loom('doctor');
  expect(ended.code).toBe(1);
  expect(lineOf(ended.stdout, 'key')).toBe(
    'wrong key There is no key of any provider: set the variable of one, or keep a key with loom keys set.',
  );
});

test.each([
  [['--api-key', key], '--api-key'],
  [['--base-url', 'http://127.0.0.1:9/v1', '-p', 'openai,google'], '--base-url'],
])('%j without the one provider that it is for is tried at none', async (flags, flag) => {
  expect(await world.loom('doctor', ...flags)).toEqual({
    code: 2,
    stdout: '',
    stderr: `Error: ${flag} takes one --provider: it is for that one alone. Name it, as in loom doctor -p openai.\n`,
  });
  expect(await world.countCalls('openai')).toEqual({});
});

test('an address that is none is a mistake in the command line', async () => {
  const ended = await world.loom('doctor', '-p', 'openai', '--base-url', 'gateway');
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain('the base URL "gateway" is not a http(s) address.');
});

describe('what is wrong with the machine', () => {
  test('a home that is somebody else’s', async () => {
    const stranger = join(world.folder, 'stranger');
    await mkdir(stranger);
    await writeFile(join(stranger, 'notes.txt'), 'mine');
    world.environment.LOOM_HOME = stranger;
    const ended = await world.loom('doctor');
    expect(ended.code).toBe(1);
    expect(lineOf(ended.stdout, 'home')).toContain('is not a home of loom');
  });

  test('prices that are none, a proxy that is none', async () => {
    await world.writeState('prices.json', '{"openai": 1}');
    // The usual address of a provider; the proxy is looked at before anything is sent.
    delete world.environment.ANTHROPIC_BASE_URL;
    world.environment.HTTPS_PROXY = 'ftp://user:secret-word@proxy.example.com';
    const ended = await world.loom('doctor', '-p', 'anthropic');
    expect(ended.code).toBe(1);
    expect(lineOf(ended.stdout, 'prices')).toContain('prices.json: openai is not an object of models.');
    expect(lineOf(ended.stdout, 'proxy')).toMatch(/^wrong proxy anthropic: .*HTTPS_PROXY/);
    expect(ended.stdout).not.toContain('secret-word');
  });
});

test('the file of defaults and one’s own prices are named', async () => {
  await world.writeState('prices.json', '{"openai": {"m": {"input": 1, "output": 2}}}');
  const path = await world.write('loom.config.json', '{"doctor": {"provider": "openai"}}');
  const { code, stdout } = await world.loom('doctor');
  expect(code).toBe(0);
  expect(lineOf(stdout, 'config')).toBe(`ok config ${path}`);
  expect(lineOf(stdout, 'prices')).toBe(`ok prices 1 in ${world.statePath('prices.json')}`);
  expect(lineOf(stdout, 'google')).toBeUndefined();
  await rm(path);
});

test('it is a document, and a verb of the library', async () => {
  world.environment.GOOGLE_API_KEY = `bad-${key}`;
  const { code, stdout } = await world.loom('doctor', '-p', 'google', '--output-format', 'json');
  const document = doctorDocumentSchema.parse(JSON.parse(stdout));
  expect([code, document.exit_code]).toEqual([1, 1]);
  expect(document.findings.at(-1)).toMatchObject({ about: 'key', state: 'wrong', provider: 'google' });
  const { environment, folder: workingFolder } = world;
  const findings = await doctor({
    environment,
    workingFolder,
    home: world.statePath(''),
    provider: ['openai'],
  });
  expect(findings.at(-1)).toMatchObject({ about: 'key', state: 'ok', provider: 'openai' });
  const given = { provider: ['openai'], apiKey: `bad-${key}` } as const;
  const refused = await doctor({ environment, workingFolder, home: world.statePath(''), ...given });
  expect(refused.at(-1)).toMatchObject({ about: 'key', state: 'wrong', provider: 'openai' });
  await expect(async () => doctor({ apiKey: key })).rejects.toMatchObject({ code: 'given_without_provider' });
});
