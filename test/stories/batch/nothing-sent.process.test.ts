/** The same command again, where there is somebody to ask, and after a wait that was interrupted. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { atTerminal, hasTerminal } from '../worlds/at-terminal.ts';
import {
  createOpenAiWorld,
  lastBatch,
  merged,
  type OpenAiWorld,
  output,
  runArgs,
  until,
} from '../worlds/openai-world.ts';

let world: OpenAiWorld;

beforeEach(async () => {
  world = await createOpenAiWorld();
});

afterEach(() => world.remove());

describe.skipIf(!hasTerminal)('at a terminal the same work is asked about, and', () => {
  const question = 'The same work is pending already as batch_001. Submit it once more? [y/N] ';

  test.each([
    ['n', 'Nothing sent: the same work is pending already as batch_001.\n', 1],
    ['', 'Nothing sent: the same work is pending already as batch_001.\n', 1],
    ['y', 'Batch submitted. id=batch_002 provider=openai\n', 2],
  ])('%j is heard', async (typed, sentence, batches) => {
    await world.submit();
    const shown = await atTerminal(world, runArgs(), { typed: `${typed}\r` });
    expect(shown.code).toBe(0);
    expect(shown.text).toContain(question);
    expect(shown.text).toContain(sentence);
    expect(world.openai.batches).toHaveLength(batches);
  });

  test('nothing is locked meanwhile', async () => {
    await world.submit();
    const shown = await atTerminal(world, runArgs(), {
      act: () => void world.run('--again').then(() => world.loom('list')),
      typed: 'n\r',
    });
    await until(() => world.openai.batches.length === 2);
    expect(shown.text).toContain('Nothing sent: ');
  });

  test.each(['--again', '--wait'])('not with %s', async (flag) => {
    await world.submit();
    const shown = await atTerminal(world, runArgs(flag));
    expect(shown.text).not.toContain('[y/N]');
    expect(world.openai.batches).toHaveLength(flag === '--again' ? 2 : 1);
  });
});

test.skipIf(process.platform === 'win32')(
  'a wait that was interrupted goes on with the same command, and one without --wait sends nothing',
  async () => {
    world.openai.onCreate = (batch) => {
      batch.status = 'in_progress';
    };
    const running = world.start(...runArgs('--wait', '--interval', '1'));
    await until(() => world.openai.requests.some(({ path }) => path === '/v1/batches/batch_001'));
    running.process.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130 });
    expect(await world.run()).toMatchObject({
      code: 0,
      stdout: 'Nothing sent: the same work is pending already as batch_001.\n',
    });
    lastBatch(world.openai).status = 'completed';
    const again = await world.run('--wait');
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(world.completion('batch_001')) });
    expect(await world.read(output)).toBe(merged);
    expect(world.openai.batches).toHaveLength(1);
    expect(await world.loom('fetch')).toMatchObject({ code: 0 });
  },
);
