/** Nobody pays twice by giving a command again: what counts as pending work, and what no longer does. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lastBatch, merged, output, submission, useOpenAiWorld } from './openai-world.ts';

const { world } = useOpenAiWorld();

function nothingSent(id: string) {
  return { code: 0, stdout: `Nothing sent: the same work is pending already as ${id}.\n` };
}

async function expectSent(...flags: string[]): Promise<void> {
  expect(await world.run(...flags)).toMatchObject({ code: 0, stdout: submission('batch_002') });
}

function creations(): number {
  return world.openai.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/batches')
    .length;
}

function answerLive(): void {
  world.openai.override = ({ path }) =>
    path.endsWith('/chat/completions')
      ? {
          body: {
            choices: [{ index: 0, message: { role: 'assistant', content: 'Live' }, finish_reason: 'stop' }],
          },
        }
      : undefined;
}

describe('the same command again sends nothing', () => {
  test('as often as it is given, and then a fetch exits with 0', async () => {
    const id = await world.submitAs('in_progress');
    for (const _ of [1, 2, 3]) expect(await world.run()).toMatchObject(nothingSent(id));
    lastBatch(world.openai).status = 'completed';
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: world.completion(id),
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    expect(await world.read(output)).toBe(merged);
    expect(world.openai.batches).toHaveLength(1);
  });

  test('while answers are paid for and not fetched', async () => {
    expect(await world.run()).toMatchObject({ stdout: submission('batch_001') });
    expect(lastBatch(world.openai).status).toBe('completed');
    expect(await world.run()).toMatchObject(nothingSent('batch_001'));
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
    const [name = ''] = await world.listState('jobs');
    const job = JSON.parse(await world.readState(name));
    const parts = job.parts.map((part: object) => ({ ...part, state: 'downloaded' }));
    await world.writeState(name, JSON.stringify({ ...job, state: 'writing', parts }));
    expect(await world.run('--no-cache')).toMatchObject(nothingSent(id));
  });

  test('of one of several parts that is in doubt', async () => {
    await world.run('--batch-size', '1');
    const [name = ''] = await world.listState('jobs');
    const job = JSON.parse(await world.readState(name));
    Object.assign(job.parts[1], { state: 'submitting', submitting_since: job.created_at });
    delete job.parts[1].batch_id;
    await world.writeState(name, JSON.stringify(job));
    expect(await world.run('--batch-size', '1')).toMatchObject(nothingSent(job.job_id));
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
      lastBatch(world.openai).output = undefined;
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

  test('with --again, which is paid for once more', async () => {
    const id = await world.submit();
    expect(await world.run('--again')).toMatchObject({
      stdout: submission('batch_002'),
      stderr: expect.stringContaining(
        `Note: the same work is pending already as ${id}; it is submitted once more.\n`,
      ),
    });
  });
});

test('--again and --once exclude each other, exit 2, in whatever order', async () => {
  for (const flags of [
    ['--again', '--once'],
    ['--once', '--again'],
  ]) {
    expect(await world.run(...flags)).toMatchObject({ code: 2, stdout: '' });
  }
  expect(world.openai.requests).toEqual([]);
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
  answerLive();
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
  answerLive();
  expect((await world.run('--sync', '-o', 'other.csv')).stderr).not.toContain('pending');
  await world.write('data.csv', 'id,text\n1,Hello\n2,Moon\n');
  expect((await world.run('--sync')).stderr).not.toContain('pending');
});
