/** The workflow of recipes/github-actions: its steps are run, with a cache that behaves as GitHub's. */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type GithubEvent,
  GithubRunner,
  type JobResult,
  parseWorkflow,
  type Workflow,
} from './github-runner.ts';
import { answers, createRecipeWorld, type RecipeWorld, readRecipe, reviews } from './recipe-world.ts';
import { putNpm } from './registry.ts';

let world: RecipeWorld;
let runner: GithubRunner;
let workflow: Workflow;
let repository: string;
let runs: number;

beforeEach(async () => {
  world = await createRecipeWorld();
  await putNpm(world);
  runner = new GithubRunner(world);
  workflow = parseWorkflow(await readRecipe('github-actions/answers.yml'));
  repository = join(world.root, 'repository');
  await mkdir(join(repository, 'data'), { recursive: true });
  await world.copyRecipes('repository/data', 'answers.sh');
  await writeFile(join(repository, 'data/reviews.csv'), reviews);
  runs = 0;
});

afterEach(() => world.remove());

function run(event: GithubEvent['event_name'], { fork = false } = {}): Promise<JobResult> {
  runs += 1;
  const job = workflow.jobs.answers;
  if (!job) throw new Error('There is no job `answers`.');
  return runner.runJob(job, { event_name: event, run_id: runs, fork }, repository);
}

const success = { conclusion: 'success', artifacts: {} };

test('submits on a push, fetches on the schedule, and uploads the answers once', async () => {
  expect(await run('push')).toMatchObject({
    ...success,
    log: expect.stringContaining('Batch submitted. id='),
  });
  expect(await run('schedule')).toMatchObject({
    ...success,
    log: expect.stringContaining('status=validating'),
  });
  await world.endBatches();
  const { conclusion, artifacts } = await run('schedule');
  expect(conclusion).toBe('success');
  expect(await readFile(artifacts.answers as string, 'utf8')).toBe(answers);
  expect(await run('schedule')).toMatchObject(success);
  expect(await world.countAnswers()).toBe(2);
});

test('uploads the answers again when it is started by hand', async () => {
  await run('push');
  await world.endBatches();
  await run('schedule');
  const { artifacts } = await run('workflow_dispatch');
  expect(await readFile(artifacts.answers as string, 'utf8')).toBe(answers);
  expect(await world.countBatches()).toBe(1);
});

test('a push while a batch runs sends its new rows afterwards', async () => {
  await run('push');
  await appendFile(join(repository, 'data/reviews.csv'), '003,Came late\n');
  await run('push');
  expect(await world.countBatches()).toBe(1);
  await world.endBatches();
  expect(await run('schedule')).toMatchObject(success);
  await world.endBatches();
  const { artifacts } = await run('schedule');
  expect(await readFile(artifacts.answers as string, 'utf8')).toContain('\n003,Came late,Sandbox answer');
  expect(await world.countAnswers()).toBe(3);
});

test('is red once when rows have no answer, and uploads what there is', async () => {
  await appendFile(join(repository, 'data/reviews.csv'), '003,[[sandbox:refuse]]\n');
  await run('push');
  await world.endBatches();
  const { conclusion, artifacts } = await run('schedule');
  expect(conclusion).toBe('failure');
  expect(await readFile(artifacts.answers as string, 'utf8')).toBe(`${answers}003,[[sandbox:refuse]],\n`);
  expect(await run('schedule')).toMatchObject(success);
  expect(await world.countBatches()).toBe(1);
});

test('without its state it pays again: that is what the page warns of', async () => {
  await run('push');
  runner.evictCaches();
  await run('schedule');
  expect(await world.countBatches()).toBe(2);
});

test('a fork does nothing', async () => {
  expect(await run('push', { fork: true })).toMatchObject({ conclusion: 'skipped' });
  expect(await world.countBatches()).toBe(0);
});

test('runs come one after the other, may read only, and use actions that cannot change', async () => {
  expect(workflow.permissions).toEqual({ contents: 'read' });
  expect(workflow.concurrency).toEqual({ group: 'answers', 'cancel-in-progress': false });
  expect(workflow.on).toEqual({
    push: { branches: ['main'], paths: ['data/reviews.csv'] },
    schedule: [{ cron: '17 * * * *' }],
    workflow_dispatch: null,
  });
  const text = await readRecipe('github-actions/answers.yml');
  for (const [line] of text.matchAll(/uses: .*/g)) expect(line).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  // The key is there for the one step that needs it.
  const withKey = workflow.jobs.answers?.steps.filter((step) => JSON.stringify(step).includes('secrets.'));
  expect(withKey).toHaveLength(1);
});
