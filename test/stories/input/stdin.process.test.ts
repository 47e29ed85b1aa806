/** Pipes of a shell: a reader that goes away, a full disk behind stdout, and the guide’s examples. */
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { blocksOf, readPage } from '../../pages.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const answerTo = (prompt: string) => `Sandbox answer from m: ${prompt}`;
const csv = 'id,text\r\n007,"a, b"\r\n2,Hello\r\n';
const answered = `id,text,llm_response\r\n007,"a, b","${answerTo('a, b')}"\r\n2,Hello,${answerTo('Hello')}\r\n`;
const model = '-p openai -m m';
const fromStdin = `loom run -f - --format csv -c text ${model}`;

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  await world.write('data.csv', csv);
});

describe.skipIf(process.platform === 'win32')('a live run', () => {
  test('whose reader goes away says so in one line, and its answers are kept', async () => {
    const ended = await world.shell(
      `printf 'text\\n[[sandbox:large 5000000]]\\n' | ${fromStdin} --sync | head -c 5; echo`,
    );
    expect(ended.stdout).toBe('text,\n');
    expect(ended.stderr).toMatch(
      /\nError: can't write to stdout: its reader is gone\. The answers are kept: run again\.\n$/,
    );
    expect(ended.stderr).not.toMatch(/Done|EPIPE|\bat /);
    expect(await world.listLeft()).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')(
    'that could not be written to stdout pays for nothing again, also without the cache',
    async () => {
      const command = `cat data.csv | ${fromStdin} --sync --no-cache`;
      expect(await world.shell(`${command} > /dev/full`)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /\nError: can't write to stdout: the disk is full\. The answers are kept: run again\.\n$/,
        ),
      });
      const again = await world.shell(command);
      expect(again).toMatchObject({ code: 0, stdout: answered });
      expect(again.stderr).toContain('2 answers are kept from a run that was cut off.\n');
      expect(await world.countCalls('openai')).toEqual({ generate: 2 });
      expect(await world.listLeft()).toEqual([]);
    },
  );
});

describe.skipIf(process.platform === 'win32')('the guide', () => {
  test('has examples of pipes that work as they stand', async () => {
    const commands = blocksOf(readPage('docs/guide/pipes.md'), 'bash').flatMap((block) =>
      block.trim().split('\n'),
    );
    expect(commands).toHaveLength(5);
    await world.write('prompts.jsonl', '{"prompt":"Hello"}\n');
    await world.write('prompts.tsv.gz', gzipSync('text\nHello\n'));
    await world.write('reviews.csv', 'id,text\n1,Hello\n');
    const ended = [];
    for (const command of commands) ended.push(await world.shellHere(command));
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    await fetchUntilDone(world);
    expect(await world.read('answers.jsonl')).toBe(
      '{"prompt":"Hello","llm_response":"Sandbox answer from gpt-4o-mini: Hello"}\n',
    );
    expect(await world.read('trial.csv')).toBe(
      'id,text,llm_response\n1,Hello,Sandbox answer from gpt-4o-mini: Hello\n',
    );
    expect(ended[2]?.stdout).toBe('id\n1\n');
    expect(await world.read('answers.tsv')).toBe(
      'text\tllm_response\nHello\tSandbox answer from gpt-4o-mini: Hello\n',
    );
  });
});
