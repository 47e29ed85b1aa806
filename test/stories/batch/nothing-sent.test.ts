/** Nobody pays twice by giving a command again: what counts as pending work, what no longer does, and two at once. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { startHttpServer } from '../worlds/http-server.ts';
import {
  lastBatch,
  merged,
  output,
  runArgs,
  submission,
  submittedJob,
  until,
  useOpenAiWorld,
  voice,
} from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

interface Job {
  readonly created_at: string;
  readonly parts: object[];
}

function nothingSent(id: string) {
  return { code: 0, stdout: `Nothing sent: the same work is pending already as ${id}.\n` };
}

async function expectSent(...flags: string[]): Promise<void> {
  expect(await world.run(...flags)).toMatchObject({ code: 0, stdout: submission('batch_002') });
}

function creations(): number {
  return openai.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/batches').length;
}

describe('the same command again sends nothing', () => {
  test('as often as it is given, and then a fetch exits with 0', async () => {
    const id = await world.submitAs('in_progress');
    for (const _ of [1, 2, 3]) expect(await world.run()).toMatchObject(nothingSent(id));
    lastBatch(openai).status = 'completed';
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: world.completion(id),
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    expect(await world.read(output)).toBe(merged);
    expect(openai.batches).toHaveLength(1);
  });

  test.each([[[]], [['--no-cache']]])(
    'while its output is in the way of another file (%j)',
    async (flags) => {
      const id = await world.submit(...flags);
      await world.write(output, 'mine\n');
      expect(await world.loom('fetch')).toMatchObject({ code: 1, stdout: '' });
      expect(await world.run(...flags)).toMatchObject(nothingSent(id));
      expect(await world.loom('fetch', '--force')).toMatchObject({ code: 0, stdout: world.completion(id) });
    },
  );

  test('while its output is complete and about to be renamed', async () => {
    const id = await world.submit('--no-cache');
    await world.changeState<Job>('jobs', (job) => {
      for (const part of job.parts) Object.assign(part, { state: 'downloaded' });
      Object.assign(job, { state: 'writing' });
    });
    expect(await world.run('--no-cache')).toMatchObject(nothingSent(id));
  });

  test('of one of several parts that is in doubt', async () => {
    const jobId = submittedJob(await world.run('--batch-size', '1'));
    await world.changeState<Job>('jobs', ({ parts, created_at }) =>
      Object.assign(parts[1] ?? {}, {
        state: 'submitting',
        submitting_since: created_at,
        batch_id: undefined,
      }),
    );
    expect(await world.run('--batch-size', '1')).toMatchObject(nothingSent(jobId));
    expect(creations()).toBe(2);
  });

  test('when all of its records are out of sight', async () => {
    const id = await world.submit();
    await rm(world.statePath('batches'), { recursive: true });
    expect(await world.run()).toMatchObject(nothingSent(id));
  });

  test('and two that start at the same moment submit it once', async () => {
    const ends = await Promise.all([world.run(), world.run(), world.run()]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(creations()).toBe(1);
    const sentences = ends.map(({ stdout }) => stdout.replace(/already as \S+\.$/m, 'already.')).sort();
    expect(sentences).toEqual([
      submission('batch_001'),
      'Nothing sent: the same work is pending already.\n',
      'Nothing sent: the same work is pending already.\n',
    ]);
  });

  test('which its JSON document tells', async () => {
    const sent = JSON.parse((await world.run('--output-format', 'json')).stdout);
    expect(sent).toMatchObject({ exit_code: 0, kind: 'submitted', id: 'batch_001' });
    const ended = await world.run('--output-format', 'json');
    expect(JSON.parse(ended.stdout)).toMatchObject({
      exit_code: 0,
      mode: 'batch',
      kind: 'pending',
      id: 'batch_001',
      batches: [],
      output: null,
    });
    expect(ended.stderr).toContain('Nothing sent: the same work is pending already as batch_001.\n');
  });
});

describe('the work is no longer pending', () => {
  test.each(['failed', 'expired', 'cancelled'])(
    'once its batch has %s, and a fetch has seen it',
    async (status) => {
      await world.submitAs(status);
      lastBatch(openai).output = undefined;
      expect(await world.loom('fetch')).toMatchObject({ code: 1 });
      await expectSent();
    },
  );

  test.each([[[]], [['--no-cache']]])('once it was fetched with --keep (%j)', async (flags) => {
    await world.submit(...flags);
    await world.loom('fetch', '--keep');
    const again = await world.run('--force', ...flags);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toMatch(flags.length > 0 ? /^Batch submitted\. id=batch_002 / : /^Done\. wrote /);
  });

  test('once it is forgotten', async () => {
    const id = await world.submit();
    await world.loom('forget', '--id', id, '--yes');
    await expectSent();
  });
});

test('--again and --once exclude each other, exit 2, in whatever order', async () => {
  for (const flags of [
    ['--again', '--once'],
    ['--once', '--again'],
  ]) {
    expect(await world.run(...flags)).toMatchObject({ code: 2, stdout: '' });
  }
  expect(openai.requests).toEqual([]);
});

test('--again wins over a default of --once, and has no default itself', async () => {
  await world.submit();
  await world.write('loom.config.json', '{"run":{"once":true}}');
  await expectSent('--again');
  await world.write('loom.config.json', '{"run":{"again":true}}');
  expect(await world.run()).toMatchObject({ code: 2 });
});

test('run --sync goes on, and names the batch that is pending before it pays', async () => {
  const id = await world.submitAs('in_progress');
  const ended = await world.run('--sync');
  expect(ended).toMatchObject({
    code: 0,
    stdout: `Done. wrote ${join(world.folder, output)} (2 prompts, 0 cache hits, 0 errors)\n`,
    stderr: expect.stringContaining(
      `Note: the same work is pending already as ${id}, a batch; its answers are paid for once more.\n`,
    ),
  });
  // Nothing is left to be paid for then.
  expect((await world.run('--sync', '--force')).stderr).not.toContain('pending');
});

test('run --sync of other work names no batch', async () => {
  await world.submitAs('in_progress');
  expect((await world.run('--sync', '-o', 'other.csv')).stderr).not.toContain('pending');
  await world.write('data.csv', 'id,text\n1,Hello\n2,Moon\n');
  expect((await world.run('--sync')).stderr).not.toContain('pending');
});

describe('while the same work is pending,', () => {
  test('loom run --again says so, and submits as told', async () => {
    const first = await world.submit();
    expect(await world.run('--again')).toEqual({
      code: 0,
      stdout: submission('batch_002'),
      stderr: `${voice}Note: the same work is pending already as ${first}; it is submitted once more.\n`,
    });
    expect(openai.batches).toHaveLength(2);
  });

  test.each([[[]], [['--once']]])('loom run %j sends nothing and exits with 0', async (flags) => {
    const first = await world.submit();
    const state = await world.listState();
    world.takeRequests();
    expect(await world.run(...flags)).toEqual({
      code: 0,
      stdout: `Nothing sent: the same work is pending already as ${first}.\n`,
      stderr: `loom fetch --id ${first} brings its answers. To pay for them once more, pass --again.\n`,
    });
    expect(world.takeRequests()).toEqual([]);
    expect(await world.listState()).toEqual(state);
  });

  test.each<[string, string[], string?]>([
    ['another output', ['-o', 'b.csv']],
    ['another model', ['-m', 'n']],
  ])('%s is other work', async (_, flags) => {
    await world.submit();
    expect(await world.run(...flags)).toMatchObject({
      code: 0,
      stdout: submission('batch_002'),
      stderr: voice,
    });
  });

  test.each<[string, string[], string?]>([
    ['other settings', ['--with-meta']],
    ['--with-error', ['--with-error']],
    ['--with-usage', ['--with-usage']],
    ['--no-cache', ['--no-cache']],
    ['another input', [], 'id,text\n1,Hello\n2,Moon\n'],
  ])('%s is other work for the same output, which is told', async (_, flags, content) => {
    const first = await world.submit();
    if (content) await world.write('data.csv', content);
    const path = join(world.folder, output);
    expect(await world.run(...flags)).toMatchObject({
      code: 0,
      stdout: submission('batch_002'),
      stderr: `${voice}Note: ${first}, which is pending, has the same output: ${path}. The one that is fetched later will find the other in its way, and stay pending.\n`,
    });
  });
});

test('a batch whose creation took minutes, and whose reply was lost, is looked for twice before it is created again', async () => {
  const created: object[] = [];
  let lists = 0;
  const at = (ago: number) => new Date(Date.now() - ago);
  // The clock is asked two minutes before the reply; the batch is in the list from the second look on.
  const anthropic = await startHttpServer(({ method }) => {
    if (method === 'POST') {
      created.push({ id: 'msgbatch_1', created_at: at(0), request_counts: { processing: 2 } });
      return { status: 502, body: 'Bad gateway' };
    }
    lists += 1;
    const headers = { date: at(lists === 1 ? 120_000 : 0).toUTCString() };
    return { headers, body: { data: lists > 2 ? created : [], has_more: false } };
  });
  Object.assign(world.environment, { ANTHROPIC_BASE_URL: anthropic.url, ANTHROPIC_API_KEY: 'a-key' });
  const ended = await world.run('-p', 'anthropic');
  await anthropic.close();
  expect(ended).toMatchObject({ code: 0, stderr: voice });
  expect(ended.stdout).toContain('Batch submitted. id=msgbatch_1 provider=anthropic\n');
  expect(created).toHaveLength(1);
});

describe('two at once:', () => {
  test('a fetch passes over a job that another process holds, with a notice, and fetches the others', async () => {
    const busy = await world.submit('-o', 'busy.csv');
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const asked = new Promise<void>((resolve) => {
      openai.override = (request) => {
        if (request.path !== `/v1/batches/${busy}`) return undefined;
        resolve();
        return gate.then(() => openai.answer(request));
      };
    });
    const slow = world.loom('fetch');
    await asked;
    const free = await world.submit('-o', 'free.csv', '--no-cache');
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: world.completion(free, 'free.csv'),
      stderr: expect.stringMatching(
        new RegExp(`^(2 rows: 2 answered\\n|Another process is working on ${busy}; it is skipped\\.\\n){2}$`),
      ),
    });
    expect(await world.loom('fetch', '--id', busy)).toEqual({
      code: 0,
      stdout: '',
      stderr: `Another process is working on ${busy}; it is skipped.\n`,
    });
    release();
    expect(await slow).toEqual({
      code: 0,
      stdout: world.completion(busy, 'busy.csv'),
      stderr: '2 rows: 2 answered\n',
    });
  });

  test('of many fetches each job is fetched by one', async () => {
    const ids = [];
    for (const name of ['a', 'b', 'c']) ids.push(await world.submit('-o', `${name}.csv`, '--no-cache'));
    const fetches = await Promise.all(Array.from({ length: 4 }, () => world.loom('fetch')));
    expect(fetches.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const lines = fetches.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => line !== '');
    expect(lines.sort()).toEqual(
      ids.map((id, index) => world.completion(id, `${'abc'[index]}.csv`).trimEnd()).sort(),
    );
    for (const name of ['a', 'b', 'c']) expect(await world.read(`${name}.csv`)).toBe(merged);
    expect(await world.listLeft()).toEqual([]);
  });
});

describe('at a terminal the same work is asked about, and', () => {
  const question = 'The same work is pending already as batch_001. Submit it once more? [y/N] ';

  test.each([
    ['n', 'Nothing sent: the same work is pending already as batch_001.\n', 1],
    ['', 'Nothing sent: the same work is pending already as batch_001.\n', 1],
    ['y', 'Batch submitted. id=batch_002 provider=openai\n', 2],
  ])('%j is heard', async (typed, sentence, batches) => {
    await world.submit();
    const shown = await atTerminalHere(world, runArgs(), { typed: `${typed}\r` });
    expect(shown.code).toBe(0);
    expect(shown.sentences).toContain(question);
    expect(shown.sentences).toContain(sentence);
    expect(openai.batches).toHaveLength(batches);
  });

  test('nothing is locked meanwhile', async () => {
    await world.submit();
    const shown = await atTerminalHere(world, runArgs(), {
      act: () => void world.run('--again').then(() => world.loom('list')),
      typed: 'n\r',
    });
    await until(() => openai.batches.length === 2);
    expect(shown.sentences).toContain('Nothing sent: ');
  });

  test.each(['--again', '--wait'])('not with %s', async (flag) => {
    await world.submit();
    const shown = await atTerminalHere(world, runArgs(flag));
    expect(shown.text).not.toContain('[y/N]');
    expect(openai.batches).toHaveLength(flag === '--again' ? 2 : 1);
  });
});
