/** `loom cache`: what is in it, and what of it goes. */
import { createHash } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { cacheStatsDocumentSchema } from '../../../src/index.ts';
import { createWorld } from '../../program.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(() => createWorld({ TERM: 'xterm' }));

const day = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * day);

/** The name of the entry for a prompt; what it is made of does not matter here. */
const nameOf = (prompt: string) => `cache/${createHash('sha256').update(prompt).digest('hex')}.json`;

async function writeEntry(prompt: string, fields: object = {}): Promise<string> {
  const entry = { provider: 'openai', model: 'm', response: 'Hello', created_at: daysAgo(1).toISOString() };
  await world.writeState(nameOf(prompt), JSON.stringify({ ...entry, ...fields }));
  return nameOf(prompt);
}

/** An entry that can't be read, written so long ago. */
async function writeDamaged(prompt: string, days: number): Promise<string> {
  await world.writeState(nameOf(prompt), '{"provider": "openai", "mod');
  await utimes(world.statePath(nameOf(prompt)), daysAgo(days), daysAgo(days));
  return nameOf(prompt);
}

describe('loom cache stats', () => {
  test('tells the entries and their size by model, with the oldest and the newest', async () => {
    await writeEntry('a', { created_at: '2026-01-02T03:04:05.678Z' });
    // As the Python tool writes it.
    await writeEntry('b', { created_at: '2026-01-03T03:04:05.678901+00:00' });
    await writeEntry('c', { provider: 'anthropic', model: 'claude', created_at: '2026-01-01T00:00:00Z' });
    await writeDamaged('d', 1);
    await world.writeState('cache/notes.json', 'not an entry');
    await world.writeState('cache/tmp/left.tmp', 'on its way');
    const folder = world.statePath('cache');
    expect(await world.loom('cache', 'stats')).toEqual({
      code: 0,
      stdout: [
        `4 cached responses in ${folder}: 315 B.\n`,
        'provider   model   entries   size  oldest                    newest\n',
        'openai     m             2  192 B  2026-01-02T03:04:05.678Z  2026-01-03T03:04:05.678Z\n',
        'anthropic  claude        1   96 B  2026-01-01T00:00:00.000Z  2026-01-01T00:00:00.000Z\n',
        "1 of them can't be read; their prompts are asked again.\n",
      ].join(''),
      stderr: '',
    });
    const told = JSON.parse((await world.loom('cache', 'stats', '--output-format', 'json')).stdout);
    expect(cacheStatsDocumentSchema.parse(told)).toEqual(told);
    expect(told).toMatchObject({ entries: 4, bytes: 315, damaged: 1, files: 4, packs: 0 });
    expect(told.groups).toHaveLength(2);
    expect(told.groups[0]).toEqual({
      provider: 'openai',
      model: 'm',
      entries: 2,
      bytes: 192,
      oldest: '2026-01-02T03:04:05.678Z',
      newest: '2026-01-03T03:04:05.678Z',
    });
  });

  test('an entry without a time that can be read is as old as its file', async () => {
    const name = await writeEntry('a', { created_at: 'once upon a time' });
    await utimes(world.statePath(name), new Date(0), new Date(1_760_000_000_000));
    expect((await world.loom('cache', 'stats')).stdout).toContain('2025-10-09T08:53:20.000Z');
  });

  test('says that there is none', async () => {
    const folder = world.statePath('cache');
    expect((await world.loom('cache', 'stats')).stdout).toBe(
      `No cached responses: there is no folder ${folder}.\n`,
    );
    await world.writeState('cache/notes.json', '{}');
    expect((await world.loom('cache', 'stats')).stdout).toBe(`0 cached responses in ${folder}: 0 B.\n`);
  });
});

describe('loom cache clear with filters', () => {
  let names: Record<'new' | 'old' | 'anthropic' | 'model' | 'damaged' | 'oldDamaged', string>;

  beforeEach(async () => {
    names = {
      new: await writeEntry('new'),
      old: await writeEntry('old', { created_at: daysAgo(40).toISOString() }),
      anthropic: await writeEntry('anthropic', {
        provider: 'anthropic',
        created_at: daysAgo(40).toISOString(),
      }),
      model: await writeEntry('model', { model: 'other/model' }),
      damaged: await writeDamaged('damaged', 1),
      oldDamaged: await writeDamaged('oldDamaged', 40),
    };
  });

  test.each([
    ['--older-than 30d', 'old anthropic oldDamaged'],
    ['--older-than 720h --provider openai', 'old'],
    ['-p openai', 'new old model'],
    ['--model other/model', 'model'],
    ['-p anthropic -m m --older-than 90m', 'anthropic'],
  ])('%s deletes %s', async (line, deleted) => {
    const [flags, gone] = [line.split(' '), deleted.split(' ')];
    expect(await world.loom('cache', 'clear', '--yes', ...flags)).toEqual({
      code: 0,
      stdout: `Cache cleared. Removed ${gone.length} of 6 files.\n`,
      stderr: '',
    });
    const goneNames = gone.map((name) => names[name as keyof typeof names]);
    const left = Object.values(names).filter((name) => !goneNames.includes(name));
    expect(await world.listState()).toEqual(left.sort());
  });

  test('that match nothing say so', async () => {
    expect(await world.loom('cache', 'clear', '--older-than', '50d', '--model', 'm')).toEqual({
      code: 0,
      stdout: 'Nothing to clear: none of 6 cached responses is older than 50d, of the model m.\n',
      stderr: '',
    });
  });

  test('are named where nobody can be asked', async () => {
    expect(await world.loom('cache', 'clear', '--older-than', '30d', '-p', 'openai')).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: 1 of 6 cached responses (older than 30d, of openai) in ${world.statePath('cache')} were not deleted: there is no terminal to ask on. Pass --yes to delete them.\n`,
    });
    expect(await world.listState()).toHaveLength(6);
  });

  test.each([
    ['--older-than', 'a week', 'It must be a time span above 0'],
    ['--provider', 'opnai', 'there is no provider "opnai". Did you mean openai?'],
  ])('%s %s is an error, and nothing goes', async (flag, value, message) => {
    const ended = await world.loom('cache', 'clear', '--yes', flag, value);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
    expect(await world.listState()).toHaveLength(6);
  });
});

test('the cached responses that go are named in the question, at a terminal', async () => {
  for (const prompt of ['a', 'b', 'c']) await writeEntry(prompt);
  for (const prompt of ['d', 'e', 'f']) await writeEntry(prompt, { model: 'n' });
  const shown = await atTerminalHere(world, ['cache', 'clear', '-m', 'm'], { typed: 'y\r' });
  expect(shown.sentences).toContain(
    `Delete 3 of 6 cached responses (of the model m) from ${world.statePath('cache')}? [y/N] `,
  );
  expect(shown.code).toBe(0);
  expect(await world.listState()).toHaveLength(3);
});
