/** `loom fetch` and `loom run` that are interrupted while the provider is silent. */
import { describe, expect, test } from 'vitest';
import { startHttpServer } from '../worlds/http-server.ts';
import { runArgs, until, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

describe.skipIf(process.platform === 'win32')('a signal', () => {
  test('ends a fetch, and the batch is as it was', async () => {
    const id = await world.submit();
    const record = await world.readRecord(id);
    const silent = await startHttpServer(() => new Promise(() => {}));
    world.environment.OPENAI_BASE_URL = silent.url;
    const { process: running, ended } = world.start('fetch');
    await until(() => silent.requests.length > 0);
    running.kill('SIGTERM');
    const result = await ended;
    expect(result).toMatchObject({ code: 143, stdout: '' });
    expect(result.stderr).toMatch(/^Stopping\.\.\.\n[^\n]*loom fetch[^\n]*\nInterrupted by SIGTERM\.\n$/);
    await silent.close();
    expect(await world.readRecord(id)).toEqual(record);
    world.environment.OPENAI_BASE_URL = openai.url;
    expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
  });

  test('ends a batch run that has not created anything, and leaves nothing behind', async () => {
    const silent = await startHttpServer(() => new Promise(() => {}));
    world.environment.OPENAI_BASE_URL = silent.url;
    const run = world.start(...runArgs());
    await until(() => silent.requests.length > 0);
    run.process.kill('SIGINT');
    const result = await run.ended;
    expect(result).toMatchObject({ code: 130, stdout: '' });
    expect(result.stderr).not.toContain('Error:');
    await silent.close();
    expect(await world.listState()).toEqual([]);
  });
});
