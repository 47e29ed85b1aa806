/** Keys, ids and words of a server that somebody else has in hand, or of a slip of the hand: where they are told, and how. */
import { execFileSync } from 'node:child_process';
import { beforeEach, expect, test } from 'vitest';
import { errorLine } from '../worlds/openai-double.ts';
import { output, useOpenAiWorld } from '../worlds/openai-world.ts';

const key = 'gate+way/0123456789-abcdefghij==';
/** What nobody may find, in whatever part of it. */
const hidden = [key, key.slice(0, 14), key.slice(-10), encodeURIComponent(key)];
const steering = '\u001b[31m\u202e\u2066\u009b';

const steers = /[\u202e\u2066]|\p{Cc}(?<!\s)/u;

const { world } = useOpenAiWorld();

beforeEach(async () => {
  world.environment.OPENAI_API_KEY = key;
});

async function expectNothingTold(texts: readonly string[]): Promise<void> {
  const state = await Promise.all((await world.listState()).map((name) => world.readState(name)));
  const history = await Promise.all((await world.listHistory()).map((name) => world.readState(name)));
  const files = await Promise.all((await world.listFolder()).map((name) => world.read(name)));
  const everything = [...texts, ...state, ...history, ...files].join('\n');
  for (const part of hidden) expect(everything).not.toContain(part);
  expect(everything).not.toMatch(steers);
}

const echo = `Refused ${steering} ${'x'.repeat(470)} key=${key}`;
const refusal = { status: 400, body: { error: { message: echo, code: `${steering}${key}`, type: echo } } };

test.each([['--with-error'], ['--output-format', 'json', '-v']])(
  'a key that is repeated for each row of a live run is told nowhere, with %s',
  async (...flags) => {
    world.openai.override = ({ path }) => (path.endsWith('/chat/completions') ? refusal : undefined);
    world.environment.LOOM_DEBUG = '1';
    const { code, stdout, stderr } = await world.run('--sync', ...flags);
    expect(code).toBe(1);
    expect(await world.read(`${output}.errors.jsonl`)).toContain('[key]');
    await expectNothingTold([stdout, stderr]);
  },
);

test('a key that is repeated for rows of a batch, or for the batch, is told nowhere', async () => {
  world.openai.onCreate = (batch) => {
    batch.errorOutput = batch.lines.map((line) => errorLine(line.custom_id, 400, key, echo)).join('\n');
    batch.output = undefined;
  };
  const submitted = await world.run('--with-error');
  const fetched = await world.loom('fetch', '--output-format', 'json', '-v');
  expect(fetched.code).toBe(1);
  expect(await world.read(output)).toContain('[key]');
  world.openai.onCreate = (batch) => {
    batch.status = 'failed';
    batch.errors = [{ code: `${steering}${key}`, message: echo }];
  };
  const again = await world.run('-o', 'other.csv', '--no-cache');
  const failed = await world.loom('fetch');
  expect(failed.code).toBe(1);
  const listed = await world.loom('list', '--output-format', 'json');
  const texts = [submitted, fetched, again, failed, listed].flatMap(({ stdout, stderr }) => [stdout, stderr]);
  expect(texts.join('\n')).toContain('[key]');
  await expectNothingTold(texts);
});

test('a mistyped flag is named without what it was given', async () => {
  const secret = 'sk-live-0123456789abcdef';
  for (const args of [
    [`--api-kye=${secret}`],
    ['--api-kye=k-0123456789'],
    ['--authorisation=Bearer k-0123456789'],
    [`--provder=${secret}`],
    ['--api-kye', secret],
    [`--token=${'opaque0123456789abcdefXYZ'}`],
    [`-k${secret}`],
    ['--workers', secret],
    [`--workers=${secret}`],
    ['--base-url', secret],
  ]) {
    for (const form of [[], ['--output-format', 'json']]) {
      const { code, stdout, stderr } = await world.run('--sync', ...args, ...form);
      expect(code).toBe(2);
      expect(stdout + stderr).not.toMatch(/sk-live|0123456789/);
    }
  }
  const { stderr } = await world.run(`--api-kye=${secret}`);
  expect(stderr).toBe(
    "Error: unknown option '--api-kye'. Did you mean --api-key? See loom run --help for all.\n",
  );
  expect((await world.loom(secret)).stderr).not.toContain(secret);
});

test('a batch whose id is anything is stored, listed and fetched, by a command that a shell can carry out', async () => {
  const ids = [
    "it's $(touch x) `id`",
    `steer${steering}ing`,
    'x'.repeat(10_000),
    'a/b',
    'a_b',
    'a\\b',
    'CON',
    'q?#&%2F',
  ];
  for (const [index, id] of ids.entries()) {
    world.openai.override = (request) => {
      const answer = world.openai.answer(request);
      const [batch] = world.openai.batches.slice(-1);
      return request.method === 'POST' && request.path.endsWith('/batches') && batch
        ? { ...answer, body: { ...(answer.body as object), id } }
        : answer;
    };
    const { code, stdout } = await world.run('-o', `out-${index}.csv`, '--no-cache');
    expect(code).toBe(0);
    expect(stdout).not.toMatch(steers);
    const command = /Run (loom fetch --id .*) later\.\n$/s.exec(stdout)?.[1] ?? '';
    const words = execFileSync('sh', ['-c', `loom() { printf '%s\\0' "$@"; }\n${command}`], {
      encoding: 'utf8',
    });
    expect(words.split('\0').slice(0, 3)).toEqual(['fetch', '--id', id]);
  }
  const { stdout } = await world.loom('list', '--output-format', 'json');
  expect(stdout).not.toMatch(steers);
  const listed = JSON.parse(stdout).batches.map((batch: { batch_id: string }) => batch.batch_id);
  expect(listed.sort()).toEqual([...ids].sort());
});
