/** A bar stands below all that is told meanwhile, whoever tells it, and leaves nothing but its last state. */
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startProgress } from '../../../src/cli/terminal/progress.ts';
import { createTerminal, type Terminal } from '../../../src/cli/terminal/terminal.ts';
import type { Voice } from '../../../src/cli/terminal/voice.ts';
import { Screen } from '../../screen.ts';

let screen: Screen;
let columns: number;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  columns = 80;
  screen = new Screen(columns);
});
afterEach(() => void vi.useRealTimers());

/** A stream that shows all on the one screen, as stdout and stderr do. */
function tty(): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      screen.write(chunk.replace(/\n/g, '\r\n'));
      done();
    },
  });
  return Object.assign(stream, { isTTY: true, columns, rows: 24 }) as unknown as NodeJS.WriteStream;
}

function openTerminal(voice: Partial<Voice> = {}): Terminal {
  return createTerminal({
    stdin: { isTTY: true } as NodeJS.ReadStream,
    stdout: tty(),
    stderr: tty(),
    environment: { TERM: 'xterm', NO_COLOR: '1' },
    voice: { quiet: false, verbose: true, json: false, ...voice },
    signal: new AbortController().signal,
  });
}

const bar = (done: number, time: string, eta = '0:00:00') =>
  expect.stringMatching(new RegExp(`^Generating [█░]{4,24} ${done}/4  errors=0  ${time}  eta ${eta}$`));

test('whatever is told goes above the bar, whole and once', () => {
  const terminal = openTerminal();
  const progress = startProgress(terminal, 'Generating');
  progress.update({ done: 0, total: 4, details: 'errors=0' });
  terminal.note('OpenAI: Rate limit reached. Trying again in 2 s.');
  expect(screen.lines).toEqual([
    'OpenAI: Rate limit reached. Trying again in 2 s.',
    bar(0, '0:00:00', '-:--:--'),
  ]);
  progress.update({ done: 2, total: 4, details: 'errors=0' });
  vi.advanceTimersByTime(2_000);
  terminal.detail('POST api.openai.com/v1/chat/completions 200, 12 ms');
  terminal.warn('the cache is full.');
  terminal.print('On stdout.');
  terminal.printText('{"a":1}');
  terminal.fail('No.');
  terminal.note(`A line that is longer than the screen is wide: ${'x'.repeat(100)}`);
  vi.advanceTimersByTime(1_000);
  const told = [
    'OpenAI: Rate limit reached. Trying again in 2 s.',
    'POST api.openai.com/v1/chat/completions 200, 12 ms',
    'Warning: the cache is full.',
    'On stdout.',
    '{"a":1}',
    'Error: No.',
    `A line that is longer than the screen is wide: ${'x'.repeat(33)}`,
    'x'.repeat(67),
  ];
  expect(screen.lines).toEqual([...told, bar(2, '0:00:03', '0:00:03')]);
  progress.update({ done: 4, total: 4, details: 'errors=0' });
  progress.stop();
  terminal.note('4 rows: 4 answered');
  expect(screen.lines).toEqual([...told, bar(4, '0:00:03'), '4 rows: 4 answered']);
});

test('Ctrl+C, which a terminal shows where the cursor stands, leaves no trace', () => {
  const terminal = openTerminal();
  const progress = startProgress(terminal, 'Generating');
  progress.update({ done: 1, total: 4, details: 'errors=0' });
  screen.write('^C');
  terminal.note('Stopping...');
  vi.advanceTimersByTime(1_000);
  progress.stop();
  terminal.note('Interrupted by SIGINT.');
  expect(screen.lines).toEqual(['Stopping...', bar(1, '0:00:01', '0:00:03'), 'Interrupted by SIGINT.']);
});

test('an end at once leaves no half of a bar', () => {
  const terminal = openTerminal();
  startProgress(terminal, 'Generating').update({ done: 1, total: 4, details: 'errors=0' });
  terminal.restoreScreen();
  expect(screen.lines).toEqual([]);
});

test('a bar is as long as there is room, and on one line', () => {
  const wide = startProgress(openTerminal(), 'Generating');
  wide.update({ done: 10_000, total: 100_000, details: 'cache=0  errors=0' });
  expect(screen.lines).toEqual([
    'Generating █░░░░░░░░░░░░░ 10000/100000  cache=0  errors=0  0:00:00  eta 0:00:00',
  ]);
  wide.stop();
  columns = 40;
  screen = new Screen(columns);
  const terminal = openTerminal();
  const progress = startProgress(terminal, 'Generating');
  progress.update({ done: 1, total: 4, details: 'errors=0' });
  vi.advanceTimersByTime(500);
  terminal.note('A line.');
  expect(screen.lines).toEqual([
    'A line.',
    expect.stringMatching(/^Generating 1\/4 {2}errors=0 {2}eta 0:00:0\d$/),
  ]);
});

test('nothing is drawn with --quiet', () => {
  const terminal = openTerminal({ quiet: true });
  startProgress(terminal, 'Generating').update({ done: 1, total: 4, details: 'errors=0' });
  vi.advanceTimersByTime(500);
  expect(screen.lines).toEqual([]);
});

/** What a bar shows at last at a terminal of this width, after 100 hours of which 200 are to come. */
function lastOf(label: string, details: string, width: number): string | undefined {
  columns = width;
  screen = new Screen(width);
  const progress = startProgress(openTerminal(), label);
  progress.update({ done: 0, total: 3_000_000, details });
  vi.setSystemTime(Date.now() + 100 * 3_600_000);
  progress.update({ done: 1_000_000, total: 3_000_000, details });
  progress.stop();
  return screen.lines.at(-1);
}

const manyErrors = 'errors=1000000';

test('at 80 columns no time that is left is cut, however large the numbers are', () => {
  expect(lastOf('Generating', `cache=1000000  ${manyErrors}`, 80)).toBe(
    `Generating 1000000/3000000  cache=1000000  ${manyErrors}  eta 200:00:00`,
  );
  expect(lastOf('Counting tokens', `est_total≈1,234,567,890  ${manyErrors}`, 80)).toBe(
    'Counting tokens 1000000/3000000  eta 200:00:00',
  );
  expect(lastOf('Counting tokens', 'est_total≈1,234,567,890  errors=0', 80)).toBe(
    'Counting tokens 1000000/3000000  eta 200:00:00',
  );
});

test('on a narrower screen as much is shown as there is room for', () => {
  expect(lastOf('Generating', 'cache=0  errors=0', 45)).toBe('Generating 1000000/3000000  eta 200:00:00');
  expect(lastOf('Generating', 'cache=0  errors=0', 40)).toBe('1000000/3000000  eta 200:00:00');
  expect(lastOf('Generating', 'cache=0  errors=0', 20)).toBe('1000000/3000000');
  expect(lastOf('Generating', 'cache=0  errors=0', 11)).toBe('1000000/30');
});
