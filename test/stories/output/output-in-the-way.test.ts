/** Nothing that is in the way of an output is overwritten unasked, also when it came while the answers were under way. */
import { chmod, mkdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createLiveWorld } from '../worlds/live-server.ts';
import { errorLine } from '../worlds/openai-double.ts';
import { runArgs, useOpenAiWorld } from '../worlds/openai-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const data = 'id,text\n1,Hello\n2,World\n';
const merged = 'id,text,llm_response\n1,Hello,Answer to Hello\n2,World,Answer to World\n';
const theirs = 'written by somebody meanwhile\n';

describe('live', () => {
  const world = useWorld(createLiveWorld);

  beforeEach(() => world.write('data.csv', data));

  const run = (...flags: string[]) => world.run('--sync', '-o', 'out.csv', ...flags);

  async function runWhile(flags: readonly string[], meanwhile: () => Promise<unknown>) {
    world.hold();
    const running = run(...flags);
    await world.arrived(1);
    await meanwhile();
    world.release();
    return running;
  }

  test.each([
    ['with the cache', []],
    ['without the cache', ['--no-cache']],
  ])('%s: a file that comes to the output path stays, and the answers are kept', async (_, flags) => {
    const ended = await runWhile(flags, () => world.write('out.csv', theirs));
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    const path = join(world.folder, 'out.csv');
    expect(ended.stderr).toContain(`Error: output file ${path} already exists: it was put there meanwhile. `);
    expect(await world.read('out.csv')).toBe(theirs);
    expect(await world.listFolder()).toEqual(['data.csv', 'out.csv']);

    expect(await run(...flags)).toMatchObject({ code: 1, stdout: '' });
    expect(await run(...flags, '--force')).toMatchObject({ code: 0 });
    expect(world.asked()).toHaveLength(2);
    expect(await world.read('out.csv')).toBe(merged);
  });

  test('with --force it is replaced', async () => {
    expect(await runWhile(['--force'], () => world.write('out.csv', theirs))).toMatchObject({ code: 0 });
    expect(await world.read('out.csv')).toBe(merged);
  });

  test('a run that another is about to write for is told before its first call', async () => {
    const second = await runWhile([], async () => {
      const told = await run('-m', 'other');
      expect(told).toMatchObject({ code: 1, stdout: '' });
      expect(told.stderr).toContain(
        `Error: another run is about to write the output ${join(world.folder, 'out.csv')}. `,
      );
    });
    expect(second.code).toBe(0);
    expect(world.asked()).toEqual(['Hello', 'World']);
    expect(await world.listLeft()).toEqual([]);
  });

  test('is told also where the two name the folder of the output by different links', async () => {
    await mkdir(join(world.folder, 'real'));
    await symlink('real', join(world.folder, 'link'));
    world.hold();
    const first = run('-o', 'real/out.csv');
    await world.arrived(2);
    const told = await run('-o', 'link/out.csv');
    expect(told.code).toBe(1);
    expect(told.stderr).toContain(
      `Error: another run is about to write the output ${join(world.folder, 'link', 'out.csv')}. `,
    );
    world.release();
    expect((await first).code).toBe(0);
    expect(world.asked()).toEqual(['Hello', 'World']);
  });

  test('a run that waited for another of the same work finds its output in the way, before its first call', async () => {
    const waiting: ReturnType<typeof world.loom>[] = [];
    const first = await runWhile(['--no-cache'], async () => {
      waiting.push(run('--no-cache'));
      // It waits for the lock of the first: nothing shows it but the time that passes until it asks again.
    });
    expect(first.code).toBe(0);
    const [second] = await Promise.all(waiting);
    expect(second?.code).toBe(1);
    expect(second?.stderr).toContain('already exists. Pass --force to overwrite it');
    expect(world.asked()).toEqual(['Hello', 'World']);
  });

  test('what is replaced leaves its mode, and a link stays a link', async () => {
    await world.write('real.csv', 'old\n');
    await chmod(join(world.folder, 'real.csv'), 0o640);
    await symlink('real.csv', join(world.folder, 'out.csv'));
    expect((await run('--force')).code).toBe(0);
    expect(await world.read('real.csv')).toBe(merged);
    expect((await stat(join(world.folder, 'real.csv'))).mode & 0o777).toBe(0o640);
    expect(await world.listFolder()).toEqual(['data.csv', 'out.csv', 'real.csv']);
  });

  describe('the file of reasons', () => {
    const reasons = 'out.csv.errors.jsonl';

    beforeEach(() => {
      world.answerTo = (prompt) => (prompt === 'Hello' ? '' : `Answer to ${prompt}`);
    });

    test('of somebody else stays: it is told before the first call, and where the reasons are not', async () => {
      await world.write(reasons, '{"row":1,"mine":true}\n');
      const ended = await run();
      expect(ended.code).toBe(3);
      const path = join(world.folder, reasons);
      expect(ended.stderr).toMatch(
        new RegExp(
          `^warning: ${path} is not loom's and stays: the reasons of failed rows will be in no file\\.`,
          'i',
        ),
      );
      expect(ended.stderr).toContain(`the reasons are in no file: ${path} is in the way.`);
      expect(await world.read(reasons)).toBe('{"row":1,"mine":true}\n');
      expect(await world.read('out.csv')).toBe('id,text,llm_response\n1,Hello,\n2,World,Answer to World\n');
    });

    test('of somebody else stays when every row is answered, too', async () => {
      world.answerTo = (prompt) => `Answer to ${prompt}`;
      await world.write(reasons, 'my notes\n');
      expect((await run()).code).toBe(0);
      expect(await world.read(reasons)).toBe('my notes\n');
    });

    test('stays when it is the input of another run for the same output, whether rows fail or not', async () => {
      world.answerTo = () => '';
      // A name that fits both formats.
      const output = ['-o', 'out'];
      const reasons = 'out.errors.jsonl';
      expect((await run(...output)).code).toBe(1);
      const first = await world.read(reasons);
      const again = ['-f', reasons, '--prompt', '{{row}}', '--sync', ...output, '--force'];
      for (const [failing, code] of [
        ['1', 3],
        ['none', 0],
      ] as const) {
        world.answerTo = (prompt) => (prompt === failing ? '' : 'Because.');
        const ended = await world.run(...again);
        expect(ended.code).toBe(code);
        expect(ended.stderr).toContain(
          `Warning: ${join(world.folder, reasons)} is the input and stays: the reasons of failed rows will be in no file.`,
        );
        expect(await world.read(reasons)).toBe(first);
      }
    });

    test('of an older output is replaced, and removed when there is nothing more to say', async () => {
      expect((await run()).code).toBe(3);
      const first = await world.read(reasons);
      expect(first).toMatch(/^\{"row":1,"line":2,"kind":"empty","message":"[^\n]+"\}\n$/);
      expect((await run('--force')).code).toBe(3);
      expect(await world.read(reasons)).toBe(first);
      world.answerTo = (prompt) => `Answer to ${prompt}`;
      expect((await run('--force')).code).toBe(0);
      expect(await world.listFolder()).toEqual(['data.csv', 'out.csv']);
    });

    test('does not come beside an output that stays', async () => {
      const ended = await runWhile([], () => world.write('out.csv', theirs));
      expect(ended.code).toBe(1);
      expect(await world.listFolder()).toEqual(['data.csv', 'out.csv']);
    });
  });

  describe('an output without any answer', () => {
    beforeEach(() => {
      world.answerTo = () => '';
    });

    test('never takes the place of one that is there: the reasons are told, and kept where nothing is', async () => {
      await world.write('out.csv', 'good answers\n');
      const ended = await run('--force');
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toContain('2 of 2 rows have no response: 2 × empty.');
      expect(ended.stderr).toContain(
        `Error: no row has an answer, and the output ${join(world.folder, 'out.csv')} stays as it was.`,
      );
      expect(await world.read('out.csv')).toBe('good answers\n');
      expect((await world.read('out.csv.errors.jsonl')).split('\n')).toHaveLength(3);
      expect(await world.listHistory()).toEqual([]);
    });

    test('leaves the reasons of the output that is there', async () => {
      await world.write('out.csv', 'good answers\n');
      const old = '{"row":7,"id":"7","kind":"old","message":"of the output that is there"}\n';
      await world.write('out.csv.errors.jsonl', old);
      expect((await run('--force')).code).toBe(1);
      expect(await world.read('out.csv.errors.jsonl')).toBe(old);
    });

    test('is written where there is none', async () => {
      const ended = await run();
      expect(ended.code).toBe(1);
      expect(await world.read('out.csv')).toBe('id,text,llm_response\n1,Hello,\n2,World,\n');
    });

    test('is an error in the document, too', async () => {
      await world.write('out.csv', 'good answers\n');
      const ended = await run('--force', '--output-format', 'json');
      expect(ended.code).toBe(1);
      expect(JSON.parse(ended.stdout)).toMatchObject({
        output: null,
        error: { message: expect.stringContaining('no row has an answer') },
      });
    });
  });
});

describe('batches', () => {
  const { world } = useOpenAiWorld();

  test('a file that comes while the results are brought in stays, and the batch stays pending', async () => {
    const id = await world.submit('-o', 'out.csv', '--no-cache');
    world.openai.override = (request) => {
      if (!request.path.endsWith('/content')) return undefined;
      return world.write('out.csv', theirs).then(() => world.openai.answer(request));
    };
    const path = join(world.folder, 'out.csv');
    const told = {
      code: 1,
      stdout: '',
      stderr: `Warning: output file ${path} already exists; batch ${id} stays pending. Pass --force to overwrite it, or move it.\n`,
    };
    expect(await world.loom('fetch')).toEqual(told);
    expect(await world.read('out.csv')).toBe(theirs);
    world.openai.override = () => undefined;
    expect(await world.loom('fetch')).toEqual(told);
    expect(await world.loom('fetch', '--force')).toMatchObject({
      code: 0,
      stdout: world.completion(id, 'out.csv'),
    });
    expect(await world.read('out.csv')).toBe(merged);
    expect(world.openai.batches).toHaveLength(1);
    expect(await world.listFolder()).toEqual(['data.csv', 'out.csv']);
  });

  test('two jobs with one output: told when the second is submitted, and the second finds the first in its way', async () => {
    const first = await world.submit('-o', 'out.csv');
    const told = await world.loom(...runArgs('-o', 'out.csv').map((arg) => (arg === 'm' ? 'other' : arg)));
    const path = join(world.folder, 'out.csv');
    expect(told.stderr).toContain(`Note: ${first}, which is pending, has the same output: ${path}.`);
    expect(told.stdout).toContain('Batch submitted.');
    const fetched = await world.loom('fetch', '--force');
    expect(fetched.code).toBe(1);
    expect(fetched.stdout.match(/Fabric complete/g)).toHaveLength(1);
    expect(fetched.stderr).toContain(`output file ${path} already exists; batch `);
    expect(await world.listState('batches')).toHaveLength(1);
  });

  test('a job whose every row failed leaves the output that is there, and is over', async () => {
    await world.write('out.csv', 'good answers\n');
    world.openai.onCreate = (batch) => {
      batch.output = undefined;
      batch.errorOutput = batch.lines
        .map(({ custom_id }) => `${errorLine(custom_id, 400, 'bad', 'No good.')}\n`)
        .join('');
    };
    const id = await world.submit('-o', 'out.csv', '--no-cache');
    const fetched = await world.loom('fetch', '--force');
    expect(fetched).toMatchObject({ code: 1, stdout: '' });
    expect(fetched.stderr).toContain(
      `batch ${id}: no row has an answer, and the output ${join(world.folder, 'out.csv')} stays as it was (metadata removed).`,
    );
    expect(await world.read('out.csv')).toBe('good answers\n');
    expect((await world.read('out.csv.errors.jsonl')).split('\n')).toHaveLength(3);
    expect(await world.listState()).toEqual([]);
  });

  test("somebody's file of reasons is told when the batch is submitted, and stays", async () => {
    await world.write('out.csv.errors.jsonl', 'my notes\n');
    world.openai.onCreate = (batch) => {
      const [one] = batch.lines;
      batch.output = batch.output?.split('\n').slice(1).join('\n');
      batch.errorOutput = `${errorLine(one?.custom_id ?? '', 400, 'bad', 'No good.')}\n`;
    };
    const submitted = await world.run('-o', 'out.csv');
    expect(submitted.stderr).toContain("out.csv.errors.jsonl is not loom's and stays");
    const fetched = await world.loom('fetch');
    expect(fetched.code).toBe(3);
    expect(fetched.stderr).toContain('the reasons are in no file: ');
    expect(await world.read('out.csv.errors.jsonl')).toBe('my notes\n');
  });
});
