/** The crontab line of recipes/cron, run as cron runs it: with its bare environment, by its shell. */
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Faults } from '../../src/sandbox/server.ts';
import type { Ended } from '../program.ts';
import { answers, createRecipeWorld, type RecipeWorld, readRecipe, reviews } from './recipe-world.ts';

let world: RecipeWorld;
let home: string;
let folder: string;

beforeEach(() => prepare());

async function prepare(faults: Faults = {}): Promise<void> {
  world = await createRecipeWorld({ faults });
  home = join(world.root, 'home');
  folder = await world.copyRecipes('home/reviews', 'answers.sh', 'cron/quietly.sh');
  await writeFile(join(folder, 'reviews.csv'), reviews);
  await writeFile(join(folder, '.env'), world.dotenv);
}

afterEach(() => world.remove());

interface Crontab {
  readonly variables: Record<string, string>;
  readonly jobs: { readonly schedule: readonly string[]; readonly command: string }[];
}

/** Reads a crontab as crontab(5) describes it. */
function parseCrontab(text: string): Crontab {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const variables: Record<string, string> = {};
  const jobs: Crontab['jobs'] = [];
  for (const line of lines) {
    const variable = /^(\w+)\s*=\s*(.*)$/.exec(line);
    if (variable) variables[variable[1] as string] = variable[2] as string;
    else {
      const fields = line.split(/\s+/);
      jobs.push({ schedule: fields.slice(0, 5), command: fields.slice(5).join(' ') });
    }
  }
  return { variables, jobs };
}

/** One call by cron: what it prints would be mailed. */
async function callByCron(): Promise<Ended> {
  const { variables, jobs } = parseCrontab(await readRecipe('cron/crontab'));
  const { SHELL = '', PATH = '' } = variables;
  // What npm install --global puts into /usr/local/bin lies elsewhere here.
  const path = PATH.replace('/usr/local/bin', world.commands);
  const env = { HOME: home, LOGNAME: 'ada', SHELL, PATH: path };
  return world.run([SHELL, '-c', jobs[0]?.command ?? ''], { cwd: home, env });
}

const silence = { code: 0, stdout: '', stderr: '' };

test('the crontab is one that cron understands', async () => {
  const text = await readRecipe('cron/crontab');
  const { variables, jobs } = parseCrontab(text);
  expect(variables).toEqual({
    SHELL: '/bin/sh',
    PATH: '/usr/local/bin:/usr/bin:/bin',
    MAILTO: 'you@example.com',
  });
  expect(jobs).toHaveLength(1);
  expect(jobs[0]?.schedule).toEqual(['*/15', '*', '*', '*', '*']);
  // cron takes a bare percent sign for the end of the line, and drops a last line without an end.
  expect(jobs[0]?.command).not.toMatch(/(?<!\\)%/);
  expect(text.endsWith('\n')).toBe(true);
});

test('submits once, waits, and writes the answers, without a word that would be mailed', async () => {
  expect(await callByCron()).toEqual(silence);
  expect(await callByCron()).toEqual(silence);
  expect(await world.countBatches()).toBe(1);
  expect(await readdir(folder)).not.toContain('answers.csv');
  await world.endBatches();
  expect(await callByCron()).toEqual(silence);
  expect(await readFile(join(folder, 'answers.csv'), 'utf8')).toBe(answers);
  expect(await callByCron()).toEqual(silence);
  expect(await world.countBatches()).toBe(1);
  const log = await readFile(join(folder, 'answers.log'), 'utf8');
  expect(log.match(/^== .* exit code 0$/gm)).toHaveLength(4);
  expect(log).toContain('status=validating');
  expect(log).toContain('Fabric complete. ');
});

test('two calls at once submit once', async () => {
  const both = await Promise.all([callByCron(), callByCron()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(await world.countBatches()).toBe(1);
});

test('a new version of the file sends only its new rows, after the answers of the earlier one', async () => {
  await callByCron();
  await appendFile(join(folder, 'reviews.csv'), '003,Came late\n');
  expect(await callByCron()).toEqual(silence);
  expect(await world.countBatches()).toBe(1);
  await world.endBatches();
  expect(await callByCron()).toEqual(silence);
  expect(await world.countBatches()).toBe(2);
  await world.endBatches();
  expect(await callByCron()).toEqual(silence);
  expect(await readFile(join(folder, 'answers.csv'), 'utf8')).toBe(
    `${answers}003,Came late,Sandbox answer from gpt-4o-mini: Came late\n`,
  );
  expect(await world.countAnswers()).toBe(3);
});

test('another order is another version', async () => {
  await callByCron();
  await world.endBatches();
  await callByCron();
  const script = await readFile(join(folder, 'answers.sh'), 'utf8');
  await writeFile(join(folder, 'answers.sh'), script.replace('gpt-4o-mini', 'gpt-4o'));
  expect(await callByCron()).toEqual(silence);
  await world.endBatches();
  expect(await callByCron()).toEqual(silence);
  expect(await readFile(join(folder, 'answers.csv'), 'utf8')).toBe(
    answers.replaceAll('gpt-4o-mini', 'gpt-4o'),
  );
});

describe('trouble', () => {
  test('is mailed when the file is not there', async () => {
    await rm(join(folder, 'reviews.csv'));
    expect(await callByCron()).toMatchObject({ code: 1, stdout: expect.stringContaining('There is no ') });
  });

  test('is mailed once, and again when it is another', async () => {
    await writeFile(join(folder, '.env'), '');
    const mailed = await callByCron();
    expect(mailed).toMatchObject({ code: 1, stderr: '' });
    expect(mailed.stdout).toContain('Exit code 1, from: sh answers.sh\n');
    expect(mailed.stdout).toContain('Error: no API key for OpenAI.');
    expect(await callByCron()).toEqual({ code: 1, stdout: '', stderr: '' });

    await writeFile(join(folder, '.env'), world.dotenv.replace('sandbox-key', 'bad-key'));
    const other = await callByCron();
    expect(other.code).toBe(1);
    expect(other.stdout).toContain('Incorrect API key provided');
    expect(await world.countBatches()).toBe(0);
  });

  test('is mailed when a row has no answer, with exit code 3, and the row is not paid for again', async () => {
    await appendFile(join(folder, 'reviews.csv'), '003,[[sandbox:refuse]]\n');
    await callByCron();
    await world.endBatches();
    const mailed = await callByCron();
    expect(mailed.code).toBe(3);
    expect(mailed.stdout).toContain('Warning: 1 of 3 rows have no response');
    expect(await readFile(join(folder, 'answers.csv'), 'utf8')).toBe(`${answers}003,[[sandbox:refuse]],\n`);
    expect(await callByCron()).toEqual(silence);
    expect(await world.countBatches()).toBe(1);
  });

  test('is mailed when a batch expires, and the rest of its rows is sent', async () => {
    await world.remove();
    await prepare({ batches: [{ end: 'expired', doneShare: 0.5, times: 1 }] });
    expect(await callByCron()).toEqual(silence);
    await world.endBatches();
    const mailed = await callByCron();
    expect(mailed.code).toBe(1);
    expect(mailed.stdout).toContain('status=expired');
    expect(mailed.stdout).toContain('Batch submitted. id=');
    await world.endBatches();
    expect(await callByCron()).toEqual(silence);
    expect(await readFile(join(folder, 'answers.csv'), 'utf8')).toBe(answers);
    expect(await world.countAnswers()).toBe(2);
  });

  test('is mailed when the program is not on the PATH', async () => {
    await rm(join(world.commands, 'loom'));
    const mailed = await callByCron();
    expect(mailed.code).toBe(127);
    expect(mailed.stdout).toContain('loom: not found');
  });
});

test('the log is kept small', async () => {
  await writeFile(join(folder, 'answers.log'), 'x'.repeat(1_000_001));
  await callByCron();
  expect((await stat(join(folder, 'answers.log.1'))).size).toBe(1_000_001);
  expect((await stat(join(folder, 'answers.log'))).size).toBeLessThan(1_000);
});

test('the answers are written anew on demand, without a call', async () => {
  await callByCron();
  await world.endBatches();
  await callByCron();
  await rm(join(folder, 'answers.csv'));
  const env = { HOME: home, PATH: `${world.commands}:/usr/bin:/bin` };
  await mkdir(join(world.root, 'elsewhere'));
  expect(
    await world.run(['sh', join(folder, 'answers.sh'), 'again'], { cwd: join(world.root, 'elsewhere'), env }),
  ).toEqual(silence);
  expect(await readFile(join(folder, 'answers.csv'), 'utf8')).toBe(answers);
});
