/** The job of recipes/gitlab-ci: its script is run where a runner would, with the cache that GitLab keeps. */
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { answers, createRecipeWorld, type RecipeWorld, readRecipe, reviews } from './recipe-world.ts';
import { putNpm } from './registry.ts';

interface Job {
  readonly rules: readonly { readonly if: string; readonly changes?: readonly string[] }[];
  readonly cache: { readonly key: string; readonly paths: readonly string[]; readonly when: string };
  readonly script: readonly string[];
  readonly resource_group: string;
  readonly interruptible: boolean;
  readonly allow_failure: { readonly exit_codes: number };
  readonly artifacts: { readonly paths: readonly string[]; readonly when: string };
}

interface Ran {
  readonly code: number | null;
  readonly log: string;
  /** What was kept as an artifact, if it was there. */
  readonly answers: string | undefined;
}

let world: RecipeWorld;
let job: Job;
let repository: string;

beforeEach(async () => {
  world = await createRecipeWorld();
  await putNpm(world);
  job = (parse(await readRecipe('gitlab-ci/.gitlab-ci.yml')) as { answers: Job }).answers;
  repository = join(world.root, 'repository');
  await mkdir(join(repository, 'data'), { recursive: true });
  await world.copyRecipes('repository/data', 'answers.sh');
  await writeFile(join(repository, 'data/reviews.csv'), reviews);
});

afterEach(() => world.remove());

/** One job; `place` is where this runner has the project. */
async function run(source: 'push' | 'schedule' | 'web', place: string): Promise<Ran> {
  const home = join(world.root, 'root');
  const project = join(world.root, place);
  const cache = join(world.root, 'caches', job.cache.key);
  await rm(home, { recursive: true, force: true });
  // Nothing is left of what other runners had.
  await rm(join(world.root, 'builds'), { recursive: true, force: true });
  await mkdir(home);
  await cp(repository, project, { recursive: true });
  for (const path of job.cache.paths) {
    if (existsSync(join(cache, path))) await cp(join(cache, path), join(project, path), { recursive: true });
  }
  // A runner makes one script of all lines, which ends with the first command that fails.
  const { code, stdout, stderr } = await world.run(['sh', '-e', '-c', job.script.join('\n')], {
    cwd: project,
    env: {
      HOME: home,
      PATH: `${world.commands}:/usr/bin:/bin`,
      CI_PIPELINE_SOURCE: source,
      CI_PROJECT_ID: '4711',
      ...world.provider,
    },
  });
  await rm(cache, { recursive: true, force: true });
  for (const path of job.cache.paths) await cp(join(project, path), join(cache, path), { recursive: true });
  const [output = ''] = job.artifacts.paths;
  return {
    code,
    log: stdout + stderr,
    answers: await readFile(join(project, output), 'utf8').catch(() => undefined),
  };
}

describe.each([
  [
    'the project is always in the same place',
    ['builds/one/reviews', 'builds/one/reviews', 'builds/one/reviews'],
  ],
  ['each runner has it elsewhere', ['builds/one/reviews', 'builds/two/reviews', 'builds/three/reviews']],
])('%s', (_, [first = '', second = '', third = '']) => {
  test('submits on a push, fetches on the schedule, and keeps the answers', async () => {
    expect(await run('push', first)).toMatchObject({
      code: 0,
      log: expect.stringContaining('Batch submitted. id='),
      answers: undefined,
    });
    expect(await run('schedule', second)).toMatchObject({
      code: 0,
      log: expect.stringContaining('status=validating'),
      answers: undefined,
    });
    await world.endBatches();
    expect(await run('schedule', third)).toMatchObject({ code: 0, answers });
    expect(await run('schedule', first)).toMatchObject({ code: 0, answers: undefined });
    expect(await run('web', second)).toMatchObject({ code: 0, answers });
    expect(await world.countAnswers()).toBe(2);
  });
});

test('warns, with exit code 3, when rows have no answer, and does not pay for them again', async () => {
  await appendFile(join(repository, 'data/reviews.csv'), '003,[[sandbox:refuse]]\n');
  await run('push', 'builds/one');
  await world.endBatches();
  expect(await run('schedule', 'builds/two')).toMatchObject({
    code: job.allow_failure.exit_codes,
    answers: `${answers}003,[[sandbox:refuse]],\n`,
  });
  expect(await run('schedule', 'builds/one')).toMatchObject({ code: 0 });
  expect(await world.countBatches()).toBe(1);
});

test('jobs come one after the other, and keep state and answers also when they fail', () => {
  expect(job).toMatchObject({
    resource_group: 'answers',
    interruptible: false,
    cache: { key: 'answers', paths: ['.loom/'], when: 'always' },
    artifacts: { paths: ['data/answers.csv'], when: 'always' },
    allow_failure: { exit_codes: 3 },
  });
  expect(job.rules.map((rule) => rule.if)).toEqual([
    '$CI_PIPELINE_SOURCE == "schedule"',
    '$CI_PIPELINE_SOURCE == "web"',
    '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH',
  ]);
});

describe('without the recipe, when the project moves', () => {
  async function submitAndMove(): Promise<{ project: string; state: string; id: string }> {
    const before = join(world.root, 'before');
    await cp(join(repository, 'data'), before, { recursive: true });
    const env = {
      HOME: world.root,
      PATH: `${world.commands}:/usr/bin:/bin`,
      LOOM_HOME: join(before, 'state'),
      ...world.provider,
    };
    const submitted = await world.run(
      ['/bin/sh', '-c', 'loom run -f reviews.csv -c text -p openai -m gpt-4o-mini'],
      { cwd: before, env },
    );
    const id = /^Batch submitted\. id=(\S+)/m.exec(submitted.stdout)?.[1] ?? '';
    const project = join(world.root, 'after');
    await rename(before, project);
    await world.endBatches();
    return { project, state: join(project, 'state'), id };
  }

  test('a fetch names the input that is gone, and keeps everything', async () => {
    const { project, state } = await submitAndMove();
    const env = {
      HOME: world.root,
      PATH: `${world.commands}:/usr/bin:/bin`,
      LOOM_HOME: state,
      ...world.provider,
    };
    const moved = await world.run(['/bin/sh', '-c', 'loom fetch'], { cwd: project, env });
    expect(moved.code).toBe(1);
    expect(moved.stderr).toContain(join(world.root, 'before'));
  });

  test('the input is named with --file, and the output goes where it was to go', async () => {
    const { project, state, id } = await submitAndMove();
    const env = {
      HOME: world.root,
      PATH: `${world.commands}:/usr/bin:/bin`,
      LOOM_HOME: state,
      ...world.provider,
    };
    await mkdir(join(world.root, 'before'));
    const fetched = await world.run(['/bin/sh', '-c', `loom fetch --id ${id} --file reviews.csv`], {
      cwd: project,
      env,
    });
    expect(fetched).toMatchObject({ code: 0, stderr: expect.stringContaining('2 rows: 2 answered') });
    const output = join(world.root, 'before/reviews_results_openai_gpt-4o-mini.csv');
    expect(await readFile(output, 'utf8')).toBe(answers);
  });
});
