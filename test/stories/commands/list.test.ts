/** `loom list`: a table that fits the terminal, columns that scripts can cut, and filters. */
import { beforeEach, describe, expect, test } from 'vitest';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { type OldRecord, writeOldRecord } from '../worlds/old-record.ts';
import { useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

beforeEach(async () => {
  world.environment.TERM = 'xterm';
  world.environment.ANTHROPIC_API_KEY = 'a-key-for-anthropic';
});

const writeRecord = (id: string, fields?: OldRecord) => writeOldRecord(world, id, fields);

const idsIn = (text: string) => text.match(/^batch_\w+/gm)?.filter((id) => id !== 'batch_id') ?? [];

describe('piped', () => {
  test('has the columns that scripts know, whatever the name of the file', async () => {
    const first = await writeRecord('batch_1', { path: '/data/two\nlines.csv', hoursAgo: 2 });
    const second = await writeRecord('batch_22', { path: '/data/数据.csv', hoursAgo: 30 });
    expect(await world.loom('list')).toEqual({
      code: 0,
      stdout: [
        'batch_id  provider  model  status       created_at                file',
        `batch_1   openai    m      in_progress  ${first}  two lines.csv`,
        `batch_22  openai    m      in_progress  ${second}  数据.csv`,
        '',
      ].join('\n'),
      stderr: '',
    });
  });
});

describe('filters', () => {
  beforeEach(async () => {
    await writeRecord('batch_running', { status: 'in_progress', hoursAgo: 1 });
    await writeRecord('batch_stuck', { status: 'in_progress', hoursAgo: 25 });
    await writeRecord('batch_unknown', { status: 'unknown', hoursAgo: 2, provider: 'anthropic' });
    await writeRecord('batch_done', { status: 'completed', hoursAgo: 26 });
    await writeRecord('batch_failed', { status: 'failed', hoursAgo: 27, provider: 'anthropic' });
  });

  test.each([
    ['--status failed', 'failed'],
    ['--status failed,completed', 'done failed'],
    ['-s failed completed', 'done failed'],
    ['--status failed --status completed', 'done failed'],
    ['--status pending', 'running unknown stuck'],
    ['--status stuck', 'stuck'],
    ['--provider anthropic', 'unknown failed'],
    ['-p anthropic -s pending', 'unknown'],
  ])('%s shows %s', async (line, shown) => {
    const flags = line.split(' ');
    const ids = shown.split(' ').map((name) => `batch_${name}`);
    const ended = await world.loom('list', ...flags);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(idsIn(ended.stdout)).toEqual(ids);
    const told = await world.loom('list', ...flags, '--output-format', 'json');
    expect(JSON.parse(told.stdout).batches.map((batch: { batch_id: string }) => batch.batch_id)).toEqual(ids);
  });

  test('that match nothing say so on stderr', async () => {
    expect(await world.loom('list', '--status', 'queued,expired', '-p', 'openai')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'None of 5 batches is queued or expired at openai.\n',
    });
  });

  test('a status or a provider that there is not is an error that names those there are', async () => {
    const status = await world.loom('list', '--status', 'finished');
    expect(status).toMatchObject({ code: 2, stdout: '' });
    expect(status.stderr).toContain(
      "argument 'finished' is invalid. Allowed choices are validating, in_progress, completed, failed, expired, cancelled, unknown, queued, pending, stuck.",
    );
    const provider = await world.loom('list', '--provider', 'opnai');
    expect(provider).toMatchObject({ code: 2, stdout: '' });
    expect(provider.stderr).toBe(
      'Error: there is no provider "opnai". Did you mean openai? loom keys list names those there are.\n',
    );
  });
});

describe('at a terminal', () => {
  const linesAt = async (columns: number) => {
    const { text } = await atTerminalHere(world, ['list'], { columns });
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
      'batch_id                provider  model                     status',
      'batch_0000000000000001  openai    a-model-with-a-long-name  in_progress',
      'batch_2                 openai    m                         in_progress (stuck)',
    ]);
    expect(await linesAt(60)).toEqual([
      'batch_id                provider  model         status',
      'batch_0000000000000001  openai    a-model-wit…  in_progress',
      'batch_2                 openai    m             in_progress…',
    ]);
    expect(await linesAt(40)).toEqual([
      'batch_id                status',
      'batch_0000000000000001  in_progress',
      'batch_2                 in_progress (st…',
    ]);
  });

  test('colours the status, but not with NO_COLOR', async () => {
    const coloured = await atTerminalHere(world, ['list'], { columns: 120 });
    expect(coloured.raw).toContain('\x1b[36min_progress\x1b[39m');
    expect(coloured.raw).toContain('\x1b[33min_progress (stuck)\x1b[39m');
    world.environment.NO_COLOR = '1';
    expect((await atTerminalHere(world, ['list'], { columns: 120 })).raw).not.toContain('\x1b');
  });
});
