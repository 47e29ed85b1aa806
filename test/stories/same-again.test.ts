/** The same command again: while its work is pending, after it was cut off, and next to other processes. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startHttpServer } from './http-server.ts';

import { merged, output, submission, useOpenAiWorld, voice } from './openai-world.ts';

const { world, openai } = useOpenAiWorld();

async function stateWithoutCache(): Promise<string[]> {
  return await world.listLeft();
}

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

  test.each(['completed', 'failed'])('and no more once it is over (%s)', async (status) => {
    await world.submitAs(status);
    await world.loom('fetch');
    const again = await world.run('--force');
    expect(again.stdout).toMatch(
      status === 'completed' ? /^Done\. wrote / : /^Batch submitted\. id=batch_002 /,
    );
    expect(again.stderr).not.toContain('pending already');
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
        new RegExp(
          `^(2 rows: 2 answered\\n|Another process is working on ${busy}; it is passed over\\.\\n){2}$`,
        ),
      ),
    });
    expect(await world.loom('fetch', '--id', busy)).toEqual({
      code: 0,
      stdout: '',
      stderr: `Another process is working on ${busy}; it is passed over.\n`,
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
    expect(await stateWithoutCache()).toEqual([]);
  });
});
