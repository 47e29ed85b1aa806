/** The image and the compose file of recipes/docker: what they are made of is run here, as a user without rights. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Ended, entry } from '../program.ts';
import { type Builder, buildImage, type Image, parseDockerfile } from './dockerfile.ts';
import {
  answers,
  collect,
  createRecipeWorld,
  hasProgram,
  type RecipeWorld,
  readRecipe,
  recipes,
  reviews,
} from './recipe-world.ts';
import { putNpm } from './registry.ts';

let world: RecipeWorld;
let image: Image;

/** `node` has these numbers in the image; who can't become another stays what he is. */
function chooseUser(): Builder {
  const [uid = 1000, gid = 1000] = [process.getuid?.(), process.getgid?.()];
  const other = { uid: 1000, gid: 1000 };
  const reads = `require('node:fs').readFileSync(${JSON.stringify(entry)})`;
  const canSwitch = uid === 0 && spawnSync(process.execPath, ['-e', reads], other).status === 0;
  return canSwitch ? { ...other, canSwitch } : { uid, gid, canSwitch };
}

beforeEach(async () => {
  world = await createRecipeWorld({ asProcesses: true });
  await chmod(world.root, 0o755);
  await putNpm(world);
  await buildHere();
  await writeFile(join(image.locate('/data'), 'reviews.csv'), reviews);
});

afterEach(() => world.remove());

async function buildHere(): Promise<void> {
  image = await buildImage(world, await readRecipe('docker/Dockerfile'), chooseUser());
}

/** `docker run` with these arguments in place of CMD. */
function start(args: readonly string[], before: readonly string[] = []) {
  const env = { ...image.options.env, ...world.provider };
  return world.start([...before, ...image.entrypoint, ...args], { ...image.options, env });
}

function run(...args: string[]): Promise<Ended> {
  return collect(start(args));
}

/** What is in no volume is as it was in the image. */
async function startContainerAnew(): Promise<void> {
  const kept = join(world.root, 'volumes');
  await mkdir(kept);
  for (const name of ['state', 'data']) await rename(image.locate(name), join(kept, name));
  await rm(image.locate('/'), { recursive: true });
  await buildHere();
  for (const name of ['state', 'data']) {
    await rm(image.locate(name), { recursive: true });
    await rename(join(kept, name), image.locate(name));
  }
}

test('is put together so that nothing of this folder, and no user with rights, is in it', async () => {
  const instructions = parseDockerfile(await readRecipe('docker/Dockerfile'));
  expect(instructions.filter(([name]) => name === 'FROM')).toHaveLength(2);
  // From the earlier stage only, so that the build needs no file of this folder.
  expect(instructions.filter(([name]) => name === 'COPY' || name === 'ADD').map(([, rest]) => rest)).toEqual([
    '--from=install /opt/loom /opt/loom',
  ]);
  expect((await readRecipe('docker/.dockerignore')).trim().split('\n').at(-1)).toBe('*');
  expect(image).toMatchObject({
    user: 'node',
    volumes: ['/state'],
    entrypoint: ['loom'],
    command: ['--help'],
  });
  expect((await stat(image.locate('/state'))).mode & 0o777).toBe(0o700);
});

test('tells its commands when it is given none', async () => {
  expect(await run(...image.command)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Usage: loom '),
  });
});

test('submits in one container and fetches in the next, with the state in the volume', async () => {
  const order = ['--file', 'reviews.csv', '--col', 'text', '--provider', 'openai', '--model', 'gpt-4o-mini'];
  expect(await run('run', ...order, '--output', 'answers.csv')).toMatchObject({
    code: 0,
    stderr: expect.any(String),
  });
  expect(await run('run', ...order, '--output', 'answers.csv')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Nothing sent: the same work is pending already as \S+\.\n$/),
  });
  await world.endBatches();
  await startContainerAnew();
  expect(await run('fetch')).toMatchObject({ code: 0, stdout: expect.stringContaining('Fabric complete. ') });
  expect(await readFile(join(image.locate('/data'), 'answers.csv'), 'utf8')).toBe(answers);
  expect(await world.countAnswers()).toBe(2);
});

describe('docker stop', () => {
  const order = [
    'run',
    '--sync',
    '--workers',
    '1',
    '-f',
    'slow.csv',
    '-c',
    'text',
    '-p',
    'openai',
    '-m',
    'gpt-4o-mini',
  ];

  /** Sends SIGTERM while the second of three calls is under way. */
  async function stopInSecondCall(
    before: readonly string[],
    pidOf: (pid: number) => Promise<number>,
  ): Promise<Ended> {
    await writeFile(
      join(image.locate('/data'), 'slow.csv'),
      'text\nfirst\n[[sandbox:slow 1500]] second\nthird\n',
    );
    const program = start(order, before);
    const ended = collect(program);
    while (program.exitCode === null && (await world.countAnswers()) < 1)
      await new Promise((go) => setTimeout(go, 20));
    process.kill(await pidOf(program.pid as number), 'SIGTERM');
    return ended;
  }

  async function expectNothingLost(stopped: Ended): Promise<void> {
    expect(stopped).toMatchObject({ code: 143, stderr: expect.stringContaining('Interrupted by SIGTERM.') });
    expect(await run(...order)).toMatchObject({ code: 0, stdout: expect.stringContaining('(3 prompts, ') });
    expect(await world.countAnswers()).toBe(3);
  }

  test('ends it with 143, and what is paid for is kept', async () => {
    await expectNothingLost(await stopInSecondCall([], async (pid) => pid));
  });

  const asInit = ['unshare', '--pid', '--fork', '--mount-proc'];
  const canUnshare =
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    hasProgram('unshare', ...asInit.slice(1), 'true');

  test.skipIf(!canUnshare)('does so too where it is process 1 of a container', async () => {
    const { uid: _, gid: __, ...options } = image.options;
    image = { ...image, options };
    const childOf = async (pid: number) =>
      Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));
    await expectNothingLost(await stopInSecondCall(asInit, childOf));
  });
});

describe('the compose file', () => {
  test('gives the container no rights, nothing to write to but its volumes, and time to stop', async () => {
    const compose = parse(await readRecipe('docker/compose.yaml')) as {
      services: { loom: object };
      volumes: object;
    };
    expect(compose.services.loom).toMatchObject({
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      stop_grace_period: '20s',
      volumes: ['./data:/data', `state:${image.volumes[0]}`],
    });
    expect(compose.volumes).toEqual({ state: null });
  });

  test.skipIf(!hasProgram('docker', 'compose', 'version'))('is one that docker compose understands', () => {
    const check = (env: Record<string, string>) =>
      spawnSync('docker', ['compose', '--file', join(recipes, 'docker/compose.yaml'), 'config', '--quiet'], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: world.root, ...env },
      });
    expect(check({ OPENAI_API_KEY: 'sk-1' })).toMatchObject({ status: 0, stderr: '' });
    expect(check({}).stderr).toContain('OPENAI_API_KEY');
  });
});
