/** At a terminal: questions, colours and bars. */
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Screen } from '../../screen.ts';
import { atTerminalHere, type Shown } from '../worlds/at-terminal.ts';
import { createOpenAiWorld } from '../worlds/openai-world.ts';
import { createSandboxWorld, type SandboxWorld, submittedId } from '../worlds/sandbox-world.ts';

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
  world.environment.TERM = 'xterm';
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

afterEach(() => {
  vi.unstubAllEnvs();
  return world.remove();
});

/** Runs loom and types this when it asks, or shows another cue. */
const atTerminal = (args: readonly string[], typed?: string, cue?: string) =>
  atTerminalHere(world, args, { typed, cue });

/** The lines that stand on the screen in the end. */
const showScreen = (raw: string) => new Screen(1_000).write(raw).lines;

const output = 'data_results_openai_m.csv';
const live = ['run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync'];
const merged = 'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n';

describe('at a terminal', () => {
  describe('a live run asks before it overwrites:', () => {
    beforeEach(() => world.write(output, 'precious'));

    test.each(['', 'maybe'])('"%s" is no, and nothing is sent', async (typed) => {
      const shown = await atTerminal(live, `${typed}\r`);
      expect(shown.text).toContain('Overwrite? [y/N] ');
      expect(shown.code).toBe(0);
      expect(await world.read(output)).toBe('precious');
      expect(await world.countCalls('openai')).toEqual({});
    });

    test.each(['Y', 'yes'])('"%s" is yes', async (typed) => {
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

    test.each([
      ['a column', ['-c', 'txt'], 'no column "txt"'],
      ['a column of a template', ['--prompt', 'Say {{txt}}'], 'no column "txt"'],
      ['a column of ids', ['-c', 'text', '--row-id', 'number'], 'no column "number"'],
      ['a column that is taken', ['-c', 'text', '--as', 'id'], '"id"'],
      ['the file', ['-f', 'gone.csv', '-c', 'text'], 'gone.csv'],
      ['a format', ['-f', 'data.odt', '-c', 'text'], 'data.odt'],
      ['a field of JSON', ['-f', 'data.json', '-c', 'txt'], 'no "txt"'],
      ['a field of a template', ['-f', 'data.json', '--prompt', 'Say {{txt}}'], 'no entry has "txt"'],
    ])('and not where it can see at once that it lacks %s', async (_, flags, told) => {
      await world.write('data.json', '[{"text":"Hello"}]');
      await world.write('data.odt', 'x');
      for (const name of ['out.csv', 'out.json']) await world.write(name, 'precious');
      const file = flags.includes('-f') ? [] : ['-f', 'data.csv'];
      const out = flags.includes('data.json') ? 'out.json' : 'out.csv';
      for (const way of ['--sync', '--wait']) {
        const shown = await atTerminal(['run', ...file, ...flags, '-p', 'openai', '-m', 'm', '-o', out, way]);
        expect(shown.text).not.toContain('Overwrite?');
        expect(shown.sentences).toContain(told);
        expect([0, 3]).not.toContain(shown.code);
      }
      expect(await world.read(out)).toBe('precious');
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
    expect(kept.sentences).toContain(`Delete 1 cached responses from ${folder}? [y/N] `);
    expect(kept.code).toBe(0);
    expect(await world.listState()).toHaveLength(1);
    const cleared = await atTerminal(['cache', 'clear'], 'y\r');
    expect(cleared.text).toContain('Cache cleared. Removed 1 files.\n');
    expect(await world.listState()).toEqual([]);
  });

  test('bars are labelled Generating and Counting tokens', async () => {
    const run = await atTerminal([...live, '-w', '1']);
    expect(run.text).toMatch(/Generating .* 1\/1 {2}cache=0 {2}errors=0 {2}\d:\d\d:\d\d {2}eta \d:\d\d:\d\d/);
    const counted = await atTerminal(['tokens', ...live.slice(1, 5), '-p', 'google', '-m', 'm']);
    expect(counted.text).toMatch(/Counting tokens .* 1\/1 {2}est_total≈2 {2}errors=0 {2}\d:\d\d:\d\d/);
  });

  describe('a wait', () => {
    interface Wait {
      readonly size?: { readonly columns: number; readonly rows: number };
      /** What is shown before the batches end. */
      readonly cue?: string;
      readonly end?: string;
      readonly submissions?: readonly string[][];
    }

    /** Submits batches, waits for them at a terminal of this size, and lets them end once this is shown. */
    async function waitAt({
      size = { columns: 100, rows: 24 },
      cue = 'Waiting: ',
      end = 'completed',
      submissions = [[]],
    }: Wait): Promise<Shown> {
      const place = await createOpenAiWorld();
      const { openai } = place;
      Object.assign(place.environment, { TERM: world.environment.TERM });
      openai.onCreate = (batch) => {
        batch.status = 'validating';
      };
      for (const flags of submissions) await place.run(...flags);
      const act = () => {
        for (const batch of openai.batches) batch.status = end;
      };
      const wait = ['fetch', '--wait', '--interval', '0.1s'];
      const shown = await atTerminalHere(place, wait, { cue, act, ...size });
      await place.remove();
      return shown;
    }

    beforeEach(async () => {
      await world.remove();
      world = await createSandboxWorld({ turnaroundMs: 300 });
      world.environment.TERM = 'xterm';
      await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
    });

    test('draws a line for each batch, anew in its place, and leaves only the results', async () => {
      const shown = await waitAt({});
      expect(shown.code).toBe(0);
      expect(shown.text).toMatch(/^validating +\d:\d\d:\d\d +batch_\w+$/m);
      expect(shown.text).toContain(
        'Waiting: 1 of 1 batch is pending. Ctrl+C ends the wait; loom fetch goes on from there.',
      );
      expect(shown.text).not.toContain('Checking the loom...');
      // Each drawing first goes up by the lines of the one before.
      expect(shown.raw).toContain('\r\x1b[2A\x1b[J');
      const screen = showScreen(shown.raw);
      expect(screen).toEqual([
        '2 rows: 2 answered',
        expect.stringMatching(/^Fabric complete\. id=batch_\w+ -> .*\(metadata removed\)$/),
      ]);
    });

    test('cuts lines that are too long, and sums up the batches for which there is no room', async () => {
      const submissions = [0, 1, 2, 3, 4].map((turn) => [
        '--temperature',
        `${turn / 10}`,
        '-o',
        `${turn}.csv`,
      ]);
      const shown = await waitAt({ size: { columns: 30, rows: 6 }, submissions });
      expect(shown.code).toBe(0);
      expect(shown.text).toMatch(/^… and 3 more: 3 validating$/m);
      const drawn = shown.text.split('\n').filter((line) => /^(validating|in_progress|…|Waiting)/.test(line));
      expect(drawn.length).toBeGreaterThan(0);
      expect(drawn.filter((line) => line.length > 29)).toEqual([]);
      expect(drawn.some((line) => line.endsWith('…'))).toBe(true);
    });

    test('tells a batch that failed above the lines', async () => {
      const shown = await waitAt({ end: 'failed' });
      expect(shown.code).toBe(1);
      expect(showScreen(shown.raw)[0]).toMatch(/^Checking the loom\.\.\. id=batch_\w+ status=failed$/);
    });

    test('asks about an output in the way, and goes on', async () => {
      await world.write(output, 'precious');
      await world.loom(...live.slice(0, -1));
      const shown = await atTerminal(['fetch', '--wait', '--interval', '0.1s'], 'y\r');
      expect(shown.code).toBe(0);
      expect(await world.read(output)).toBe(
        'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n2,World,Sandbox answer from m: World\n',
      );
    });

    test('run --wait asks before it submits, and not again', async () => {
      await world.write(output, 'precious');
      const args = [...live.slice(0, -1), '--wait', '--interval', '0.1s'];
      const refused = await atTerminal(args, 'n\r');
      expect(refused.code).toBe(0);
      expect(await world.countCalls('openai')).toEqual({});
      const shown = await atTerminal(args, 'y\r');
      expect(shown.code).toBe(0);
      expect(shown.text.match(/Overwrite\?/g)).toHaveLength(1);
      expect(await world.read(output)).not.toBe('precious');
    });

    test('prints lines instead on a dumb terminal, and none with -q', async () => {
      world.environment.TERM = 'dumb';
      const dumb = await waitAt({ cue: 'Checking the loom... id=' });
      expect(dumb.raw).not.toContain('\x1b');
      expect(dumb.text).toContain('Checking the loom... id=');
      world.environment.TERM = 'xterm';
      await world.loom(...live.slice(0, -1), '--temperature', '1', '-o', 'out.csv');
      const quiet = await atTerminal(['fetch', '--wait', '--interval', '0.1s', '-q']);
      expect(quiet.text).not.toContain('Waiting:');
    });
  });

  test('lines of -v go above the bar', async () => {
    const run = await atTerminal([...live, '-v']);
    expect(run.code).toBe(0);
    const screen = showScreen(run.raw);
    expect(screen.filter((line) => line.includes('POST'))).toEqual([
      expect.stringMatching(/^POST 127\.0\.0\.1:\d+\/openai\/v1\/chat\/completions 200, \d+ ms/),
    ]);
    expect(screen.filter((line) => line.includes('Generating'))).toEqual([
      expect.stringMatching(/^Generating █+ 1\/1/),
    ]);
    expect((await atTerminal([...live, '-q', '--force'])).text).toMatch(/^Done\. wrote [^\n]+\n$/);
  });

  test('sentences on stderr are broken between words at its width, and nowhere where it is piped', async () => {
    const wrong = [...live, '--sample-seed', '1'];
    const sentence = 'Error: --sample-seed chooses the rows of a --sample. Pass --sample too.\n';
    expect((await atTerminalHere(world, wrong, { columns: 40 })).text).toBe(
      'Error: --sample-seed chooses the rows\n  of a --sample. Pass --sample too.\n',
    );
    expect((await atTerminalHere(world, wrong, { columns: 80 })).text).toBe(sentence);
    expect((await world.loom(...wrong)).stderr).toBe(sentence);
  });

  test('results in sentences are broken there, too, and what is not ours is not', async () => {
    for (const name of Object.keys(world.environment))
      if (name.endsWith('_KEY')) delete world.environment[name];
    delete world.environment.OPENAI_BASE_URL;
    const wrong =
      'There is no key of any provider: set the variable of one, or keep a key with loom keys set.';
    const [first, second] = [wrong.slice(0, wrong.indexOf(' keep')), 'keep a key with loom keys set.'];
    expect((await atTerminal(['doctor'])).text).toContain(
      `wrong  key         ${first}\n${' '.repeat(19)}${second}\n`,
    );
    expect((await world.loom('doctor')).stdout).toContain(`wrong  key         ${wrong}\n`);
    const dry = await atTerminal([...live, '--dry-run']);
    expect(dry.text.split('\n').filter((line) => line.length > 79)).toEqual([]);
    await world.write('data.csv', `id,text\n1,${'Hello there '.repeat(20)}\n`);
    const preview = await atTerminal([...live, '--preview']);
    expect(preview.text).toContain(`  ${'Hello there '.repeat(20)}\n`);
  });

  test('paths are links where the terminal shows such, and not with NO_COLOR, in CI or in a pipe', async () => {
    await world.write('data.csv', 'id,text\n1,Hello\n2,World [[sandbox:empty]]\n');
    // The package that knows terminals asks the process itself.
    const setVariable = (name: string, value: string | undefined) => {
      vi.stubEnv(name, value);
      Object.assign(world.environment, { [name]: value });
    };
    setVariable('TERM', 'xterm');
    setVariable('TERM_PROGRAM', 'WezTerm');
    setVariable('TERM_PROGRAM_VERSION', '20240203-110809-5046fc22');
    for (const name of ['CI', 'NO_COLOR', 'FORCE_COLOR']) setVariable(name, undefined);
    const linked = await atTerminal([...live, '-o', 'ö 1.csv', '--force']);
    const path = `${world.folder}/ö 1.csv`;
    const open = `\x1b]8;;file://${hostname().toLowerCase()}${encodeURI(path)}`;
    expect(linked.raw).toContain(`Done. wrote ${open}\x1b\\${path}\x1b]8;;\x1b\\ (2 prompts`);
    expect(linked.raw).toContain(`${open}.errors.jsonl\x1b\\${path}.errors.jsonl\x1b]8;;\x1b\\`);
    for (const [name, value] of [
      ['NO_COLOR', '1'],
      ['CI', 'true'],
      ['TERM_PROGRAM', 'plain'],
    ] as const) {
      const before = world.environment[name];
      setVariable(name, value);
      expect((await atTerminal([...live, '-o', 'ö 1.csv', '--force'])).raw).not.toContain('\x1b]8;;');
      setVariable(name, before);
    }
    expect((await world.loom(...live, '--force')).stdout).not.toContain('\x1b');
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
