/** `loom list`: a table that fits the terminal, columns that scripts can cut, and filters. */
import { beforeEach, describe, expect, test } from 'vitest';
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
    expect(provider.stderr).toContain(
      'Allowed choices are openai, anthropic, google, openrouter, alibaba. Did you mean openai?',
    );
  });
});
