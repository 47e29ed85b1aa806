/**
 * Parts of the loom home that are removed under a live run cost nothing that was paid for: the run goes on; or it ends
 * in one line, because a lock that is gone may be another process's by now, and the same command goes on from there.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { runArgs } from '../../program.ts';
import { createLiveWorld } from '../worlds/live-server.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createLiveWorld);

const output = 'data_results_openai_m.csv';
const args = runArgs('--sync', '-w', '1');
const answered = 'text,llm_response\na,Answer to a\nb,Answer to b\nc,Answer to c\n';

beforeEach(async () => {
  await world.write('data.csv', 'text\na\nb\nc\n');
});

/** Removes a part of the home when the second of three prompts is asked; a file may come in its place. */
function loseWhileAsking(part: string, instead?: 'a file'): void {
  const path = world.statePath(part);
  world.answerTo = (prompt) => {
    if (prompt === 'b') {
      rmSync(path, { recursive: true, force: true });
      if (instead) writeFileSync(path, instead);
    }
    return `Answer to ${prompt}`;
  };
}

const ways = [
  ['removed', undefined],
  ['replaced by a file', 'a file'],
] as const;

describe.each(['--cache', '--no-cache'])('under a live run with %s', (flag) => {
  describe.each(ways)('a folder that is %s', (_, instead) => {
    test.each(['results', 'cache'])('%s, costs nothing', async (part) => {
      loseWhileAsking(part, instead);
      const ended = await world.loom(...args, flag);
      expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Done\. /) });
      expect(ended.stderr).not.toContain('Error');
      expect(await world.read(output)).toBe(answered);
      expect(world.asked()).toEqual(['a', 'b', 'c']);
    });

    test('locks, costs no answer', async () => {
      loseWhileAsking('locks', instead);
      const { code, stderr } = await world.loom(...args, flag);
      // A run that is over before its next look at the lock is done.
      expect([code, stderr.match(/Error: [^\n]*/g)]).toEqual(
        code === 0 ? [0, null] : [1, [expect.stringMatching(/^Error: [^\n]* lock /)]],
      );
      rmSync(world.statePath('locks'), { recursive: true, force: true });
      if (code === 1) expect((await world.loom(...args, flag)).code).toBe(0);
      expect(await world.read(output)).toBe(answered);
      expect(world.asked()).toEqual(['a', 'b', 'c']);
    });
  });
});

test('a cache and its journals that are both removed leave the answers to the output', async () => {
  loseWhileAsking('results');
  const loseJournals = world.answerTo;
  world.answerTo = (prompt) => {
    rmSync(world.statePath('cache'), { recursive: true, force: true });
    writeFileSync(world.statePath('cache'), 'a file');
    return loseJournals(prompt);
  };
  const ended = await world.loom(...args);
  expect(ended.stderr).toMatch(
    // Which of the two it is depends on whether the thread of the cache is about to make the folder.
    /\nWarning: can't write the cache entry [^\n]*: (a part of its path is a file, not a folder|there is a file of that name)\. [^\n]*\n/,
  );
  expect(ended.stderr).not.toContain('Error');
  expect(await world.read(output)).toBe(answered);
  expect(world.asked()).toEqual(['a', 'b', 'c']);
});
