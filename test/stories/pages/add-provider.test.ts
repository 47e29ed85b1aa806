/** A provider that is added to a copy of the project by the two steps in CONTRIBUTING.md, taken from the page as they stand. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asProcesses, createWorld, type World } from '../../program.ts';
import { type HttpServer, type Response, startHttpServer } from '../worlds/http-server.ts';
import { fetchUntilDone } from '../worlds/sandbox-world.ts';

const project = resolve(import.meta.dirname, '../../..');
/** A build, and a compiler, a linter and a test runner at once, beside whatever else the machine does. */
const patience = 10 * 60_000;
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'loom-provider-'));
  const parts = ['src', 'scripts', 'test/providers'].concat(
    // Without its time limits Vitest gives a test five seconds, which a machine with other work may need.
    ['package.json', 'tsconfig.json', 'tsconfig.types.json', 'vitest.config.ts'],
  );
  for (const part of parts) await cp(join(project, part), join(copy, part), { recursive: true });
  await symlink(join(project, 'node_modules'), join(copy, 'node_modules'), 'junction');
  const page = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
  for (const block of readSteps(page).flat()) await applyBlock(block);
  await forbidCancel();
  await inCopy('scripts/build.mjs');
}, patience);

afterAll(() => rm(copy, { recursive: true, force: true, maxRetries: 3 }));

interface Block {
  readonly kind: string;
  /** Relative to the project. */
  readonly path: string;
  readonly lines: readonly string[];
}

/** The blocks of code of each step. */
function readSteps(page: string): Block[][] {
  const [, section = ''] = /^### Add a provider in two steps$(.*?)^##/ms.exec(page) ?? [];
  const steps = section.split(/^(?=\d+\. )/m).slice(1);
  return steps.map((step) =>
    [...step.matchAll(/^ {3}```(ts|diff)\n(.*?)^ {3}```$/gms)].map(([, kind = '', text = '']) => {
      const [first = '', ...lines] = text.split('\n').map((line) => line.slice(3));
      return { kind, path: first.replace(/^ ?\/\/ /, ''), lines };
    }),
  );
}

/** A file as a whole, or lines of one that is there, which must stand in it just once. */
async function applyBlock({ kind, path, lines }: Block): Promise<void> {
  const file = join(copy, path);
  if (kind === 'ts') {
    await mkdir(dirname(file), { recursive: true });
    return writeFile(file, lines.join('\n'), { flag: 'wx' });
  }
  const pick = (sign: string) =>
    lines.filter((line) => line && !line.startsWith(sign)).map((line) => `${line.slice(1)}\n`);
  const text = await readFile(file, 'utf8');
  const places = text.split(pick('+').join(''));
  expect(places, `${path} has the lines of the block once`).toHaveLength(2);
  await writeFile(file, places.join(pick('-').join('')));
}

/** As it is at some vendors; Groq has a call for it. */
async function forbidCancel(): Promise<void> {
  const file = join(copy, 'src/providers/openai/profiles.ts');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('windowHours: 168,', 'windowHours: 168,\n      cancels: false,'));
}

/** Runs a script in the copy; its output is in the error when it fails. */
async function inCopy(script: string, ...args: string[]): Promise<void> {
  const command = [resolve(copy, script), ...args];
  await promisify(execFile)(process.execPath, command, { cwd: copy }).catch(({ stdout, stderr }) => {
    throw new Error(`${script} failed:\n${stdout}${stderr}`);
  });
}

test(
  'there are two steps, and the compiler, the linter and the conformance suite take them',
  async () => {
    const page = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
    expect(readSteps(page).map((blocks) => blocks.length > 0)).toEqual([true, true]);
    await cp(join(project, 'biome.json'), join(copy, 'biome.json'));
    await Promise.all([
      inCopy('node_modules/typescript/bin/tsc', '-p', '.'),
      inCopy(
        'node_modules/@biomejs/biome/bin/biome',
        'check',
        '--error-on-warnings',
        '--vcs-enabled=false',
        'src',
        'test',
      ),
      inCopy(
        'node_modules/vitest/vitest.mjs',
        ...['run', '--experimental.fsModuleCache=false'],
        ...['test/providers/openai/profiles.test.ts', '-t', 'Groq'],
      ),
    ]);
  },
  patience,
);

describe('the provider that was added', () => {
  let world: World;
  let server: HttpServer;
  let answers: Response[];
  const fine = { body: { choices: [{ message: { content: 'fine' }, finish_reason: 'stop' }] } };

  beforeEach(async () => {
    answers = [fine];
    server = await startHttpServer(() => answers.shift() ?? fine);
    world = asProcesses(await createWorld({}, join(copy, 'dist/loom.js')));
    await world.write('data.csv', 'id,text\n1,Hello\n');
    await world.write('.env', `GROQ_API_KEY=key-of-groq\nGROQ_BASE_URL=${server.url}/openai/v1\n`);
  });
  afterEach(async () => {
    await server.close();
    await world.remove();
  });

  const run = (...flags: string[]) =>
    world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', 'groq', '-m', 'm', ...flags);
  const output = 'data_results_groq_m.csv';

  test('is in the help', async () => {
    const { stdout } = await world.loom('run', '--help');
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'one of: openai, anthropic, google, openrouter, alibaba, groq',
    );
  });

  test('answers live, with the key, the address and the settings in their places', async () => {
    expect(await run('--sync', '--max-tokens', '9', '--stop', 'END', '--system', 'Be brief.')).toMatchObject({
      code: 0,
      stdout: `Done. wrote ${join(world.folder, output)} (1 prompts, 0 cache hits, 0 errors)\n`,
    });
    expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,fine\n');
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/openai/v1/chat/completions' });
    expect(request?.headers.authorization).toBe('Bearer key-of-groq');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      max_completion_tokens: 9,
      stop: ['END'],
    });
  });

  test('has batches, in the sandbox', async () => {
    expect((await run('--sandbox')).stdout).toMatch(/^Batch submitted\. id=batch_\w+ provider=groq\n/);
    expect(await fetchUntilDone(world, '--sandbox')).toMatchObject({ code: 0 });
    const rehearsed = output.replace('.csv', '_sandbox.csv');
    expect(await world.read(rehearsed)).toBe('id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n');
  });

  test('says once that its batches can not be cancelled, and they go on', async () => {
    const [, id = ''] = /id=(\S+)/.exec((await run('--sandbox')).stdout) ?? [];
    const ended = await world.loom('cancel', '--id', id, '--yes', '--sandbox');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe(
      `Error: batch ${id}: Groq has no way to cancel a batch: it goes on, and is paid for. What was not sent yet is never sent. Fetch its answers when it is over.\n`,
    );
    expect(await fetchUntilDone(world, '--sandbox')).toMatchObject({ code: 0 });
  });

  test('tries again what its profile says', async () => {
    answers = [{ status: 498, body: { error: { message: 'Flex tier capacity exceeded' } } }, fine];
    expect(await run('--sync')).toMatchObject({ code: 0 });
    expect(server.requests).toHaveLength(2);
  });

  test.each<[string, Response, number, string]>([
    [
      'a refused key',
      { status: 401, body: { error: { message: 'Invalid API Key', code: 'invalid_api_key' } } },
      1,
      'Error: Groq: Invalid API Key. Check GROQ_API_KEY or --api-key.\n',
    ],
    [
      'a wrong address',
      { status: 404, body: { error: { message: 'Unknown request URL' } } },
      1,
      'Error: Groq: Unknown request URL. Is the address right? See --base-url and GROQ_BASE_URL.\n',
    ],
  ])('names itself and its variables for %s', async (_, answer, code, line) => {
    answers = [answer];
    const ended = await run('--sync');
    expect(ended.code).toBe(code);
    expect(ended.stderr.slice(ended.stderr.indexOf('Error:'))).toBe(line);
  });

  test('asks for its own key, and refuses what it has no setting for, before anything is sent', async () => {
    await world.write('.env', '');
    expect((await run('--sync')).stderr).toBe(
      'Error: no API key for Groq. Set GROQ_API_KEY in the environment or in a .env file in this folder, or pass --api-key.\n',
    );
    expect(await run('--sync', '--top-k', '5', '--api-key', 'k')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Error: Groq has no setting for --top-k\. Leave it out\.$/m),
    });
    expect(server.requests).toEqual([]);
  });
});
