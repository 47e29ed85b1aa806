/** What can be said of the provider of CONTRIBUTING.md, in a copy of the project that has it: no test of this one. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../../program.ts';
import { type HttpServer, type Response, startHttpServer } from '../worlds/http-server.ts';
import { fetchUntilDone } from '../worlds/sandbox-world.ts';

describe('Morph, which was added,', () => {
  let world: World;
  let server: HttpServer;
  let answers: Response[];
  const fine = { body: { choices: [{ message: { content: 'fine' }, finish_reason: 'stop' }] } };

  beforeEach(async () => {
    answers = [fine];
    server = await startHttpServer(() => answers.shift() ?? fine);
    world = await createWorld();
    await world.write('data.csv', 'id,text\n1,Hello\n');
    await world.write('.env', `MORPH_API_KEY=key-of-morph\nMORPH_BASE_URL=${server.url}/v1\n`);
  });
  afterEach(async () => {
    await server.close();
    await world.remove();
  });

  const run = (...flags: string[]) =>
    world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', 'morph', '-m', 'm', ...flags);
  const output = 'data_results_morph_m.csv';

  test('is among the names that there are', async () => {
    expect((await world.loom('keys', 'list')).stdout).toMatch(/^morph +… +MORPH_API_KEY/m);
  });

  test('answers live, with the key, the address and the settings in their places', async () => {
    expect(await run('--sync', '--max-tokens', '9', '--stop', 'END', '--system', 'Be brief.')).toMatchObject({
      code: 0,
      stdout: `Done. wrote ${join(world.folder, output)} (1 prompts, 0 cache hits, 0 errors)\n`,
    });
    expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,fine\n');
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/v1/chat/completions' });
    expect(request?.headers.authorization).toBe('Bearer key-of-morph');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      max_tokens: 9,
      stop: ['END'],
    });
  });

  test('has batches, in the sandbox', async () => {
    expect((await run('--sandbox')).stdout).toMatch(/^Batch submitted\. id=batch_\w+ provider=morph\n/);
    expect(await fetchUntilDone(world, '--sandbox')).toMatchObject({ code: 0 });
    const rehearsed = output.replace('.csv', '_sandbox.csv');
    expect(await world.read(rehearsed)).toBe('id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n');
  });

  test('says once that its batches can not be cancelled, and they go on', async () => {
    const [, id = ''] = /id=(\S+)/.exec((await run('--sandbox')).stdout) ?? [];
    const ended = await world.loom('cancel', '--id', id, '--yes', '--sandbox');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe(
      `Error: batch ${id}: Morph has no way to cancel a batch: it goes on, and is paid for. What was not sent yet is never sent. Fetch its answers when it is over.\n`,
    );
    expect(await fetchUntilDone(world, '--sandbox')).toMatchObject({ code: 0 });
  });

  test('tries again what its profile says', async () => {
    answers = [{ status: 400, body: { error: { message: 'Loading', code: 'model_loading' } } }, fine];
    expect(await run('--sync')).toMatchObject({ code: 0 });
    expect(server.requests).toHaveLength(2);
  });

  test.each<[string, Response, number, string]>([
    [
      'a refused key',
      { status: 401, body: { error: { message: 'Invalid API Key', code: 'invalid_api_key' } } },
      1,
      'Error: Morph: Invalid API Key. Check MORPH_API_KEY or --api-key.\n',
    ],
    [
      'a wrong address',
      { status: 404, body: { error: { message: 'Unknown request URL' } } },
      1,
      'Error: Morph: Unknown request URL. Is the address right? See --base-url and MORPH_BASE_URL.\n',
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
      'Error: no API key for Morph. Set MORPH_API_KEY in the environment or in a .env file in this folder, keep a key with loom keys set, or pass --api-key.\n',
    );
    expect(await run('--sync', '--top-k', '5', '--api-key', 'k')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Error: Morph has no setting for --top-k\. Leave it out\.$/m),
    });
    expect(server.requests).toEqual([]);
  });
});
