/** Nothing of a forgotten batch stays at a provider, and no run without answers takes a good output's place. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../program.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import {
  baseUrlVariables,
  batchProviders,
  createSandboxWorld,
  keyVariables,
  providers,
  submittedId,
} from './sandbox-world.ts';

const args = (provider: string) => ['run', '-f', 'data.csv', '-c', 'text', '-p', provider, '-m', 'm'];

test.each(batchProviders.filter((name) => name !== 'anthropic'))(
  'forget deletes the upload of a batch that is over at %s, and of none that may still run',
  async (provider) => {
    const over = await createSandboxWorld({ turnaroundMs: 0 });
    const running = await createSandboxWorld({ turnaroundMs: 3_600_000 });
    try {
      for (const [world, flags, deleted] of [
        [over, ['--keep'], 1],
        [running, [], 0],
      ] as const) {
        await world.write('data.csv', 'text\nHello\n');
        const id = submittedId(await world.loom(...args(provider)));
        await world.loom('fetch', ...flags);
        expect((await world.loom('forget', '--id', id, '--yes')).code).toBe(0);
        expect((await world.countCalls(provider)).deleteFile ?? 0).toBe(deleted);
      }
    } finally {
      await over.remove();
      await running.remove();
    }
  },
);

describe.each(providers)('at %s, --force', (provider) => {
  let server: HttpServer;
  let world: World;
  const output = `data_results_${provider}_m.csv`;

  beforeEach(async () => {
    server = await startHttpServer(() => ({
      status: 400,
      body: {
        type: 'error',
        error: { type: 'invalid_request_error', message: 'temperature is not supported.' },
      },
    }));
    world = await createWorld({
      [baseUrlVariables[provider]]: server.url,
      [keyVariables[provider]]: 'a-key',
    });
    await world.write(output, 'good answers\n');
    await world.write(
      `${output}.errors.jsonl`,
      '{"row":1,"line":2,"kind":"old","message":"Of the good ones."}\n',
    );
  });
  afterEach(async () => {
    await server.close();
    await world.remove();
  });

  test.each([3, 12])('with a setting that all of %d rows are refused for keeps the output', async (rows) => {
    await world.write(
      'data.csv',
      `text\n${Array.from({ length: rows }, (_, row) => `row ${row}\n`).join('')}`,
    );
    const { code, stderr } = await world.loom(...args(provider), '--sync', '--force', '--temperature', '1');
    expect([code, stderr]).toEqual([1, expect.stringContaining('temperature is not supported.')]);
    expect(await world.read(output)).toBe('good answers\n');
    expect(await world.read(`${output}.errors.jsonl`)).toContain('"kind":"old"');
  });
});

test('an output is kept, too, where every answer of a new run does not fit', async () => {
  const world = await createSandboxWorld();
  try {
    await world.write('data.csv', 'text\nHello [[sandbox:misfit]]\n');
    await world.write('schema.json', '{"type":"object"}');
    await world.write('data_results_openai_m.csv', 'good answers\n');
    const run = [...args('openai'), '--sync', '--force', '--schema', 'schema.json'];
    for (const hits of [0, 1]) {
      const { code, stderr } = await world.loom(...run);
      expect([hits, code, stderr]).toEqual([
        hits,
        1,
        expect.stringContaining('Error: no row has an answer, and the output'),
      ]);
      expect(await world.read('data_results_openai_m.csv')).toBe('good answers\n');
    }
    expect((await world.countCalls('openai')).generate).toBe(1);
  } finally {
    await world.remove();
  }
});
