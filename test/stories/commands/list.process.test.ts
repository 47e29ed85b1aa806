/** `loom list` at a terminal. */
import { beforeEach, describe, expect, test } from 'vitest';
import { atTerminal, hasTerminal } from '../worlds/at-terminal.ts';
import { type OldRecord, writeOldRecord } from '../worlds/old-record.ts';
import { useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

beforeEach(() => {
  Object.assign(world.environment, { TERM: 'xterm', ANTHROPIC_API_KEY: 'a-key-for-anthropic' });
});

const writeRecord = (id: string, fields?: OldRecord) => writeOldRecord(world, id, fields);

describe.skipIf(!hasTerminal)('at a terminal', () => {
  const linesAt = async (columns: number) => {
    const { text } = await atTerminal(world, ['list'], { before: `stty cols ${columns}` });
    return text.trimEnd().split('\n');
  };
  let created: string;

  beforeEach(async () => {
    await writeRecord('batch_0000000000000001', {
      counts: { total: 100, succeeded: 38, failed: 2 },
      hoursAgo: 3.5,
      model: 'a-model-with-a-long-name',
      path: '/data/a-file-with-a-very-long-name.csv',
    });
    created = await writeRecord('batch_2', {
      counts: { total: 7 },
      hoursAgo: 49,
      path: '/data/数据数据.csv',
    });
  });

  test('shows progress and age, and marks what is stuck', async () => {
    const lines = await linesAt(170);
    expect(lines[0]).toBe(
      'batch_id                provider  model                     status               progress          age  created_at                file',
    );
    expect(lines[1]).toMatch(
      / openai {4}a-model-with-a-long-name {2}in_progress {10}40\/100, 2 failed {2}3 h /,
    );
    expect(lines[2]).toBe(
      `batch_2                 openai    m                         in_progress (stuck)  ?/7               2 d  ${created}  数据数据.csv`,
    );
  });

  test('has no line that wraps, keeps the ids whole as long as it can, and drops what is worth least', async () => {
    expect(await linesAt(110)).toEqual([
      'batch_id                provider  model            status               progress          age  file',
      'batch_0000000000000001  openai    a-model-with-a…  in_progress          40/100, 2 failed  3 h  a-file-with-a-…',
      'batch_2                 openai    m                in_progress (stuck)  ?/7               2 d  数据数据.csv',
    ]);
    expect(await linesAt(80)).toEqual([
      'batch_id                status               progress          age  file',
      'batch_0000000000000001  in_progress          40/100, 2 failed  3 h  a-file-with…',
      'batch_2                 in_progress (stuck)  ?/7               2 d  数据数据.csv',
    ]);
    expect(await linesAt(40)).toEqual([
      'batch_id             status',
      'batch_000000000000…  in_progress',
      'batch_2              in_progress (stuck)',
    ]);
  });

  test('colours the status, but not with NO_COLOR', async () => {
    const coloured = await atTerminal(world, ['list'], { before: 'stty cols 120' });
    expect(coloured.raw).toContain('\x1b[36min_progress\x1b[39m');
    expect(coloured.raw).toContain('\x1b[33min_progress (stuck)\x1b[39m');
    world.environment.NO_COLOR = '1';
    expect((await atTerminal(world, ['list'], { before: 'stty cols 120' })).raw).not.toContain('\x1b');
  });
});
