/**
 * Tries the packed program as a user would have it: installed in an empty folder, with a home of its own, and nothing
 * beside it. `node scripts/try-packed.mjs` runs it with the Node.js that is there, `node scripts/try-packed.mjs 20 22 24`
 * with the newest of each of these, which come through npm.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const project = resolve(import.meta.dirname, '..');
const providers = ['openai', 'anthropic', 'google', 'openrouter', 'alibaba'];
const mostMegabytes = 10;
const root = await mkdtemp(join(tmpdir(), 'loom-packed-'));

try {
  const packed = (await runNpm(project, 'pack', '--silent', '--pack-destination', root))
    .trim()
    .split('\n')
    .at(-1);
  const folder = await install(join(root, packed));
  const majors = process.argv.slice(2);
  const nodes = majors.length === 0 ? [process.execPath] : await Promise.all(majors.map(bringNode));
  for (const node of nodes) await tryProgram(node, folder);
} finally {
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
}

/** Installs the package alone, and sees that it is alone. */
async function install(archive) {
  const folder = join(root, 'project');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await runNpm(folder, 'install', '--silent', '--no-audit', '--no-fund', archive);
  await runNpm(folder, 'ls', '--all');
  const packages = (await readdir(join(folder, 'node_modules'))).filter((name) => !name.startsWith('.'));
  check(packages.join() === 'loom-batch', `installed is ${packages.join(', ')}`);
  const megabytes = (await sizeOf(join(folder, 'node_modules'))) / 1e6;
  check(megabytes <= mostMegabytes, `it takes ${megabytes.toFixed(1)} MB`);
  check(/^\d/.test(await runNpm(folder, 'exec', '--', 'loom-batch', '--version')), 'it has no command');
  console.log(`1 package, ${megabytes.toFixed(1)} MB`);
  return folder;
}

async function tryProgram(node, folder) {
  const home = await mkdtemp(join(root, 'home-'));
  const environment = {
    PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    ...{ HOME: home, USERPROFILE: home, LOCALAPPDATA: home, SystemRoot: process.env.SystemRoot ?? '' },
  };
  const run = async (...args) =>
    (await promisify(execFile)(node, args, { cwd: folder, env: environment })).stdout;
  const program = join(folder, 'node_modules', 'loom-batch', 'dist', 'loom.js');
  const loom = (...args) => run(program, ...args);

  const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'));
  check((await loom('--version')) === `${version}\n`, 'the version is another');
  await cp(join(project, 'examples', 'prompts.json'), join(folder, 'prompts.json'));
  for (const provider of providers) {
    const input = ['-f', 'prompts.json', '-p', provider, '-m', 'a-model', '--force'];
    const live = await loom('run', '--sync', '--sandbox', ...input);
    check(/\b3 prompts, 0 cache hits, 0 errors/.test(live), `${provider}, live: ${live}`);
    if (provider === 'openrouter') continue;
    const batch = await loom('run', '--sandbox', '--wait', '--no-cache', '--output', 'out.json', ...input);
    check(/Fabric complete/.test(batch), `${provider}, a batch: ${batch}`);
  }
  // The list of prices, and a tokenizer.
  const estimate = await loom(
    'tokens',
    '--estimate',
    '-f',
    'prompts.json',
    '-p',
    'openai',
    '-m',
    'gpt-4o-mini',
  );
  check(/\$/.test(estimate), `no cost: ${estimate}`);
  await writeFile(
    join(folder, 'library.mjs'),
    "import * as loom from 'loom-batch'; console.log(Object.keys(loom).length > 20);",
  );
  check((await run('library.mjs')) === 'true\n', 'the library lacks verbs');
  console.log(`Node.js ${(await run('-p', 'process.version')).trim()}: all well`);
}

/** The newest Node.js of a major version, by its package for this system. */
async function bringNode(major) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(root, `node-${major}`);
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await runNpm(folder, 'install', '--silent', '--no-audit', '--no-fund', `${name}@${major}`);
  return join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

async function runNpm(cwd, ...args) {
  const shell = process.platform === 'win32';
  return (await promisify(execFile)('npm', args, { cwd, shell, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

async function sizeOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await readFile(join(entry.parentPath, entry.name))).length);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function check(holds, what) {
  if (!holds) throw new Error(`The packed program is not as it should be: ${what}`);
}
