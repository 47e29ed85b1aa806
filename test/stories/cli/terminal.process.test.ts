/** At a real terminal: keys that send signals, signals, and the size that the system tells. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { Screen } from '../../screen.ts';
import { atTerminal, hasTerminal } from '../worlds/at-terminal.ts';
import { data, lastBatch, merged, output, runArgs, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

beforeEach(() => {
  world.environment.TERM = 'xterm';
});

const live = runArgs('--sync');
const wait = ['fetch', '--wait', '--interval', '0.1s'];

describe.skipIf(!hasTerminal)('at a terminal', () => {
  test('a live run asks before it overwrites, and "Y" is yes', async () => {
    await world.write(output, 'precious');
    const shown = await atTerminal(world, live, { typed: 'Y\r' });
    expect(shown.text).toContain('Overwrite? [y/N] ');
    expect(shown.code).toBe(0);
    expect(await world.read(output)).toBe(merged);
  });

  test('Ctrl+C at a question interrupts: 130', async () => {
    await world.write(output, 'precious');
    const shown = await atTerminal(world, live, { typed: '\x03' });
    expect(shown.text).not.toContain('Error:');
    expect(shown.code).toBe(130);
    expect(await world.read(output)).toBe('precious');
  });

  test('SIGTERM ends a question that nobody answers', async () => {
    await world.write(output, 'precious');
    const act = () => {
      const shell = readFileSync(`${world.folder}/shell.pid`, 'utf8').trim();
      const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim();
      process.kill(Number(children || shell), 'SIGTERM');
    };
    const shown = await atTerminal(world, live, { before: 'echo $$ > shell.pid', act });
    expect(shown.text).toContain('Overwrite? [y/N] ');
    expect(shown.text).toContain('Interrupted by SIGTERM.');
    expect(shown.code).toBe(143);
  });

  const fromStdin = ['run', '-f', '-', '--format', 'csv', '-o', output, ...live.slice(3)];
  const cue = 'Reading the input from the terminal; Ctrl+D ends it.';

  test('says that it reads the input from the terminal, up to Ctrl+D', async () => {
    const shown = await atTerminal(world, fromStdin, { typed: `${data}\x04`, cue });
    expect(shown.code).toBe(0);
    expect(await world.read(output)).toBe(merged);
  });

  test('is interrupted by Ctrl+C while it waits for the input, and leaves nothing behind', async () => {
    const shown = await atTerminal(world, fromStdin, { typed: `${data}\x03`, cue });
    expect(shown.code).toBe(130);
    expect(shown.text).toContain('Interrupted by SIGINT.\n');
    expect(await world.listLeft()).toEqual([]);
  });

  test('a wait leaves nothing of its lines at Ctrl+C, and says how to go on', async () => {
    await world.submitAs('in_progress');
    const shown = await atTerminal(world, wait, { typed: '\x03', cue: 'Waiting: 1 of 1' });
    expect(shown.code).toBe(130);
    expect(new Screen(1_000).write(shown.raw).lines).toEqual([
      'Stopping...',
      'The batches go on at the provider, and what has arrived is kept: loom fetch',
      '  goes on from there.',
      'Interrupted by SIGINT.',
    ]);
  });

  test('a wait cuts its lines to the width that the terminal has', async () => {
    await world.submitAs('in_progress');
    const act = () => {
      lastBatch(world.openai).status = 'completed';
    };
    const shown = await atTerminal(world, wait, { before: 'stty cols 30 rows 6', cue: 'Waiting: ', act });
    expect(shown.code).toBe(0);
    const drawn = shown.text.split('\n').filter((line) => /^(validating|in_progress|Waiting)/.test(line));
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn.filter((line) => line.length > 29)).toEqual([]);
    expect(drawn.some((line) => line.endsWith('…'))).toBe(true);
  });
});
