/** The pipelines of recipes/README.md, typed into bash as they stand there. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../program.ts';
import {
  answers,
  createRecipeWorld,
  hasProgram,
  type RecipeWorld,
  readRecipe,
  reviews,
} from './recipe-world.ts';

let world: RecipeWorld;
let folder: string;

beforeEach(async () => {
  world = await createRecipeWorld();
  folder = join(world.root, 'work');
  await mkdir(folder);
});

afterEach(() => world.remove());

/** The blocks of bash under a heading of the page. */
async function pipelinesUnder(heading: string): Promise<string[]> {
  const page = await readRecipe('README.md');
  const section = page.split(/^#{2,3} /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);
}

function type(script: string): Promise<Ended> {
  const env = { HOME: world.root, PATH: `${world.commands}:${process.env.PATH}`, ...world.provider };
  return world.run(['bash', '-c', script], { cwd: folder, env });
}

function write(name: string, text: string): Promise<void> {
  return writeFile(join(folder, name), text);
}

function read(name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8');
}

test('the page has the pipelines that are tested here', async () => {
  const page = await readRecipe('README.md');
  const headings = [...page.matchAll(/^### (.*)$/gm)].map((match) => match[1]);
  expect(headings).toEqual([
    'Many files',
    'From one program to the next',
    'Gaps are no failure',
    'Rows that failed',
    'Batches in trouble',
  ]);
});

test('many files', async () => {
  const [submit = ''] = await pipelinesUnder('Many files');
  await mkdir(join(folder, 'prompts/more ones'), { recursive: true });
  await write('prompts/first.csv', reviews);
  await write('prompts/more ones/second.csv', 'text\nToo small\n');
  await write('prompts/old_results_x.csv', 'text\nan output\n');
  expect(await type(submit)).toMatchObject({ code: 0 });
  const again = await type(submit);
  expect(again).toMatchObject({ code: 0 });
  expect(again.stdout.match(/^Nothing sent: /gm)).toHaveLength(2);
  expect(await world.countBatches()).toBe(2);

  await write('prompts/third.csv', 'no such column\n1\n');
  expect(await type(submit)).toMatchObject({ code: 123 });

  await world.endBatches();
  expect(await type('loom fetch')).toMatchObject({ code: 0 });
  expect(await read('prompts/first_results_openai_gpt-4o-mini.csv')).toBe(answers);
  expect(await read('prompts/more ones/second_results_openai_gpt-4o-mini.csv')).toBe(
    'text,llm_response\nToo small,Sandbox answer from gpt-4o-mini: Too small\n',
  );
});

test('gaps are no failure', async () => {
  const [script = ''] = await pipelinesUnder('Gaps are no failure');
  await write('reviews.csv', reviews);
  expect(await type(script)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\nAll rows are answered\.\n$/),
  });
  await write('reviews.csv', `${reviews}003,[[sandbox:refuse]]\n`);
  expect(await type(script)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\nWithout an answer: *1 rows\.\n$/),
  });
  await write('reviews.csv', 'other\n1\n');
  expect(await type(script)).toMatchObject({ code: 1, stdout: '' });
});

describe.skipIf(!hasProgram('jq'))('with jq', () => {
  test('from one program to the next', async () => {
    const [script = ''] = await pipelinesUnder('From one program to the next');
    await write(
      'products.jsonl',
      '{"sku": "A1", "title": "A cup"}\n{"sku": "B2", "title": "[[sandbox:refuse]]"}\n{"sku": "C3", "title": "Tea"}\n',
    );
    // With pipefail the gap is told by the exit code.
    expect(await type(script)).toMatchObject({ code: 3, stdout: '' });
    expect(await read('texts.jsonl')).toBe(
      '{"sku":"A1","text":"Sandbox answer from gpt-4o-mini: Describe in one sentence: A cup"}\n' +
        '{"sku":"C3","text":"Sandbox answer from gpt-4o-mini: Describe in one sentence: Tea"}\n',
    );
  });

  test('rows that failed', async () => {
    const [report = '', again = ''] = await pipelinesUnder('Rows that failed');
    const rows = ['fine', '[[sandbox:refuse]]', '[[sandbox:error 400]]'];
    await write('reviews.csv', `text\n${rows.join('\n')}\n`);
    await type('loom run --sync -f reviews.csv -c text -p openai -m gpt-4o-mini -o answers.csv');
    const { code, stdout } = await type(report);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 2).sort()).toEqual([
      expect.stringMatching(/^1 \w+$/),
      expect.stringMatching(/^1 \w+$/),
    ]);
    expect(stdout).toMatch(/^2\t\w+\t.+\n3\t\w+\t.+\n$/m);

    await write(
      'answers.jsonl',
      '{"prompt":"one","llm_response":"1"}\n{"prompt":"two","llm_response":null}\n',
    );
    expect(await type(again)).toMatchObject({ code: 0 });
    expect(await read('second.jsonl')).toBe(
      '{"prompt":"two","llm_response":"Sandbox answer from gpt-4o: two"}\n',
    );
  });

  test('batches in trouble', async () => {
    const [script = ''] = await pipelinesUnder('Batches in trouble');
    await write('reviews.csv', reviews);
    await type('loom run -f reviews.csv -c text -p openai -m gpt-4o-mini');
    expect(await type(script)).toEqual({ code: 0, stdout: '', stderr: '' });
    // A model that does not exist fails the whole batch.
    const { stdout } = await type('loom run -f reviews.csv -c text -p openai -m no-such-model');
    const id = /id=(\S+)/.exec(stdout)?.[1];
    await world.endBatches();
    await type('loom fetch');
    expect((await type(script)).stdout).toMatch(new RegExp(`^${id} .*model.*\n$`));
  });
});
