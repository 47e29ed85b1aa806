/** The service and timer of recipes/systemd: as systemd reads them, and what the service starts. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Ended } from '../program.ts';
import {
  answers,
  createRecipeWorld,
  hasProgram,
  type RecipeWorld,
  readRecipe,
  recipes,
  reviews,
} from './recipe-world.ts';
import { parseUnit, splitCommand, type Unit } from './unit-file.ts';

let world: RecipeWorld;
let folder: string;
let service: Unit;

beforeEach(async () => {
  world = await createRecipeWorld();
  service = parseUnit(await readRecipe('systemd/loom-answers.service'));
  folder = await world.copyRecipes('srv/reviews', 'answers.sh');
  await writeFile(join(folder, 'reviews.csv'), reviews);
  // The provider is replaced here; the key comes from the credential.
  await writeFile(join(folder, '.env'), `OPENAI_BASE_URL=${world.provider.OPENAI_BASE_URL}\n`);
});

afterEach(() => world.remove());

/** One start of the service, with what systemd puts into its environment. */
async function startService(): Promise<Ended> {
  const credentials = join(world.root, 'credentials');
  const [name = '', source] = service.Service?.LoadCredential?.[0]?.split(':') ?? [];
  expect(source).toBe('/etc/loom/openai-key');
  await mkdir(credentials, { recursive: true });
  await writeFile(join(credentials, name), 'sandbox-key\n');

  const states = join(world.root, 'var/lib');
  await mkdir(join(states, service.Service?.StateDirectory?.[0] ?? ''), { recursive: true });
  const chosen = (service.Service?.Environment ?? []).map((pair) => pair.replace('%S', states).split('='));
  const env = {
    // systemd's own PATH, whose /usr/local/bin lies elsewhere here.
    PATH: `/usr/local/sbin:${world.commands}:/usr/sbin:/usr/bin`,
    HOME: '/nonexistent',
    CREDENTIALS_DIRECTORY: credentials,
    ...Object.fromEntries(chosen),
  };
  const [line = ''] = service.Service?.ExecStart ?? [];
  return world.run(splitCommand(line, env), { cwd: folder, env });
}

test('the service submits once, waits, and writes the answers, with the key from its credential', async () => {
  expect(await startService()).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Batch submitted. id='),
  });
  expect(await startService()).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('status=validating'),
  });
  await world.endBatches();
  expect(await startService()).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Fabric complete. '),
  });
  expect(await startService()).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await readFile(join(folder, 'answers.csv'), 'utf8')).toBe(answers);
  expect(await world.countAnswers()).toBe(2);
});

test('the timer starts it regularly, and makes up for what was missed', async () => {
  const timer = parseUnit(await readRecipe('systemd/loom-answers.timer'));
  expect(timer).toEqual({
    Unit: { Description: [expect.any(String)] },
    Timer: { OnCalendar: ['*:0/15'], RandomizedDelaySec: ['2min'], Persistent: ['true'] },
    Install: { WantedBy: ['timers.target'] },
  });
});

test('the service is shut off from what it does not need', () => {
  expect(service.Service).toMatchObject({
    Type: ['oneshot'],
    User: ['loom'],
    WorkingDirectory: ['/srv/reviews'],
    ReadWritePaths: ['/srv/reviews'],
    StateDirectoryMode: ['0700'],
    // How loom ends when it is stopped, within the time that it takes.
    SuccessExitStatus: ['143'],
    TimeoutStopSec: ['15s'],
    ProtectSystem: ['strict'],
    ProtectHome: ['yes'],
    NoNewPrivileges: ['yes'],
    CapabilityBoundingSet: [''],
    UMask: ['0077'],
  });
  // Node.js compiles while it runs.
  expect(service.Service).not.toHaveProperty('MemoryDenyWriteExecute');
});

test.skipIf(!hasProgram('systemd-analyze'))('systemd finds no fault in them, and little to attack', () => {
  const units = ['service', 'timer'].map((kind) => join(recipes, `systemd/loom-answers.${kind}`));
  const verified = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' });
  expect(verified).toMatchObject({ status: 0, stderr: '' });
  const [unit = ''] = units;
  const security = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], {
    encoding: 'utf8',
  });
  expect(security.status, security.stdout).toBe(0);
});
