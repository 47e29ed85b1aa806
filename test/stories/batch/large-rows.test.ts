/** Rows that alone are larger than a provider takes. */
import { expect, test } from 'vitest';
import { plainContent } from '../../../src/core/request/content.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

/** The bytes that a request at Alibaba has beside its prompt. */
async function measureFrame(): Promise<number> {
  const entry = providerEntry('alibaba');
  const connection = { apiKey: 'key', baseUrl: 'http://127.0.0.1:9', timeoutMs: 1_000, environment: {} };
  const provider = await entry.openBatch?.(connection);
  return provider?.encode({ customId: 'row-0-00000000', model: 'm', content: plainContent('') })
    .length as number;
}

test('a row over 6 MB fails at Alibaba, which would refuse the whole batch, and the others are answered', async () => {
  const most = 6_000_000 - (await measureFrame());
  const prompts = ['Hello', 'x'.repeat(most + 1), 'y'.repeat(most), 'World'];
  await world.write('data.csv', `text\n${prompts.join('\n')}\n`);
  const flags = ['-f', 'data.csv', '-c', 'text', '-p', 'alibaba', '-m', 'm', '-o', 'answers.csv'];
  expect(await world.loom('run', ...flags)).toMatchObject({ code: 0 });
  const reason = 'The row alone is larger than what the provider takes, and was not sent.';
  expect(await fetchUntilDone(world)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(
      `4 rows: 3 answered, 1 failed\nWarning: 1 of 4 rows have no response: 1 × too_large.\n  too_large (rows 2): ${reason}\n`,
    ),
  });
  const answerTo = (prompt: string | undefined) => `${prompt},Sandbox answer from m: ${prompt}`;
  const [, first, over, at, last] = (await world.read('answers.csv')).split('\n');
  expect([first, last]).toEqual([answerTo('Hello'), answerTo('World')]);
  expect(over === `${prompts[1]},`).toBe(true);
  // The sandbox's answers to long prompts are short.
  expect(at?.startsWith(`${prompts[2]},Sandbox answer from m: yyy`)).toBe(true);
});
