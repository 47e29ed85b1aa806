/** At a terminal, which `script` of util-linux lends: questions, colours and bars. */
import { spawn, spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../program.ts';
import { createSandboxWorld, type SandboxWorld, submittedId } from './sandbox-world.ts';

const hasScript =
  process.platform === 'linux' &&
  /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '');

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
  world.environment.TERM = 'xterm';
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

afterEach(() => world.remove());

interface Shown {
  readonly code: number | null;
  /** Without escape codes, with plain line ends. */
  readonly text: string;
  readonly raw: string;
}

/** Runs loom at a terminal and types this when it asks, or shows another cue. */
async function atTerminal(args: readonly string[], typed?: string, cue = '[y/N] '): Promise<Shown> {
  const command = [process.execPath, entry, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: world.folder,
    env: world.environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let raw = '';
  let asked = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
    if (asked || typed === undefined || !raw.includes(cue)) return;
    asked = true;
    child.stdin.write(typed);
  });
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is taken out
  return { code, raw, text: raw.replaceAll(/\x1b(\[[?\d;]*[A-Za-z]|\d)/g, '').replaceAll(/\r+\n/g, '\n') };
}

const output = 'data_results_openai_m.csv';
const live = ['run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync'];
const merged = 'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n';

describe.skipIf(!hasScript)('at a terminal', () => {
  describe('a live run asks before it overwrites:', () => {
    beforeEach(() => world.write(output, 'precious'));

    test.each(['n', '', 'maybe', 'no'])('"%s" is no, and nothing is sent', async (typed) => {
      const shown = await atTerminal(live, `${typed}\r`);
      expect(shown.text).toContain('Overwrite? [y/N] ');
      expect(shown.code).toBe(0);
      expect(await world.read(output)).toBe('precious');
      expect(await world.countCalls('openai')).toEqual({});
    });

    test.each(['y', 'Y', 'yes'])('"%s" is yes', async (typed) => {
      const shown = await atTerminal(live, `${typed}\r`);
      expect(shown.code).toBe(0);
      expect(await world.read(output)).toBe(merged);
    });

    test('the end of the input (Ctrl+D) is no', async () => {
      const shown = await atTerminal(live, '\x04');
      expect(shown.text).not.toContain('Error:');
      expect(shown.code).toBe(0);
      expect(await world.read(output)).toBe('precious');
    });

    test('Ctrl+C interrupts: 130', async () => {
      const shown = await atTerminal(live, '\x03');
      expect(shown.text).not.toContain('Error:');
      expect(shown.code).toBe(130);
      expect(await world.read(output)).toBe('precious');
    });

    test('not with --force', async () => {
      const shown = await atTerminal([...live, '--force']);
      expect(shown.text).not.toContain('Overwrite?');
      expect(await world.read(output)).toBe(merged);
    });
  });

  test('a fetch asks too: no keeps the batch, yes writes', async () => {
    await world.write(output, 'precious');
    const id = submittedId(await world.loom(...live.slice(0, -1)));
    while (/status=/.test((await world.loom('fetch')).stdout));
    const kept = await atTerminal(['fetch'], '\r');
    expect(kept.text).toContain('Overwrite? [y/N] ');
    expect(kept.code).toBe(0);
    expect(await world.read(output)).toBe('precious');
    expect((await world.loom('list')).stdout).toContain(id);
    const written = await atTerminal(['fetch'], 'y\r');
    expect(written.text).toContain(`Fabric complete. id=${id} -> `);
    expect(await world.read(output)).toBe(merged);
  });

  test('cache clear asks, with the number and the folder', async () => {
    await world.loom(...live);
    const folder = world.statePath('cache');
    const kept = await atTerminal(['cache', 'clear'], 'n\r');
    expect(kept.text).toContain(`Delete 1 cached responses from ${folder}? [y/N] `);
    expect(kept.code).toBe(0);
    expect(await world.listState()).toHaveLength(1);
    const cleared = await atTerminal(['cache', 'clear'], 'y\r');
    expect(cleared.text).toContain('Cache cleared. Removed 1 files.\n');
    expect(await world.listState()).toEqual([]);
  });

  test('says that it reads the input from the terminal, up to Ctrl+D', async () => {
    const args = ['run', '-f', '-', '--format', 'csv', ...live.slice(3), '-o', 'out.csv'];
    const shown = await atTerminal(
      args,
      'text\nHello\n\x04',
      'Reading the input from the terminal; Ctrl+D ends it.',
    );
    expect(shown.code).toBe(0);
    expect(await world.read('out.csv')).toBe('text,llm_response\nHello,Sandbox answer from m: Hello\n');
  });

  test('is interrupted by Ctrl+C while it waits for the input, and leaves nothing behind', async () => {
    const args = ['run', '-f', '-', '--format', 'csv', ...live.slice(3)];
    const shown = await atTerminal(args, 'text\nHello\n\x03', 'Ctrl+D ends it.');
    expect(shown.code).toBe(130);
    expect(shown.text).toContain('Interrupted by SIGINT.\n');
    expect((await world.listState()).filter((name) => !name.startsWith('cache/'))).toEqual([]);
  });

  test('bars are labelled Generating and Counting tokens', async () => {
    const run = await atTerminal([...live, '-w', '1']);
    expect(run.text).toMatch(/Generating .* 1\/1 {2}cache=0 {2}errors=0 {2}\d:\d\d:\d\d {2}eta \d:\d\d:\d\d/);
    const counted = await atTerminal(['tokens', ...live.slice(1, 5), '-p', 'google', '-m', 'm']);
    expect(counted.text).toMatch(/Counting tokens .* 1\/1 {2}est_total≈2 {2}errors=0 {2}\d:\d\d:\d\d/);
  });

  test('words are coloured, but not with NO_COLOR, and never on a stdout that is piped', async () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what this test looks for
    const colour = /\x1b\[[\d;]*m/;
    const wrong = ['run', '-f', 'gone.csv', '-c', 'text', '-p', 'openai', '-m', 'm'];
    expect((await atTerminal(wrong)).raw).toMatch(colour);
    world.environment.NO_COLOR = '1';
    const plain = await atTerminal(wrong);
    expect(plain.raw).not.toMatch(colour);
    expect(plain.text).toContain('Error: ');
  });
});
