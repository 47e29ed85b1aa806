/** `npm run example`: a batch from examples/ through the sandbox — run, wait, fetch — and its output. */
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const loom = join(import.meta.dirname, '../dist/loom.js');
const folder = await mkdtemp(join(tmpdir(), 'loom-example-'));
const environment = { ...process.env, HOME: folder, USERPROFILE: folder };

try {
  await copyFile(join(import.meta.dirname, '../examples/reviews.csv'), join(folder, 'reviews.csv'));
  await runLoom(
    'run',
    '--file',
    'reviews.csv',
    '--col',
    'text',
    '--provider',
    'openai',
    '--model',
    'gpt-4o-mini',
    '--sandbox',
  );
  let output;
  while (!output?.includes('Fabric complete.')) {
    await wait(500);
    output = await runLoom('fetch', '--sandbox');
  }
  console.log('\n$ cat reviews_results_openai_gpt-4o-mini_sandbox.csv');
  console.log(await readFile(join(folder, 'reviews_results_openai_gpt-4o-mini_sandbox.csv'), 'utf8'));
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Runs the built program as a person would, and returns what it printed. */
async function runLoom(...args) {
  console.log(`\n$ loom ${args.join(' ')}`);
  const child = spawn(process.execPath, [loom, ...args], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) {
    process.stdout.write(chunk);
    output += chunk;
  }
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== 0) throw new Error(`loom ended with exit code ${child.exitCode}.`);
  return output;
}
