/**
 * What the scripts beside this one share: each tries the built program against a server that somebody else wrote, from
 * a public package in the version that the script names. No part of the tests, which need no network.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

const program = join(import.meta.dirname, '../../dist/loom.js');
/** For all of a script: the installation, the server, and what is asked of it. */
const limitMs = 5 * 60_000;

/**
 * Runs a script in a folder of its own, and ends all that it started. The exit code is 1 if anything was not as the
 * script expects it.
 */
export async function tryServer(title, story) {
  const folder = await mkdtemp(join(tmpdir(), 'loom-server-'));
  const trial = new Trial(folder);
  console.log(`\n# ${title}`);
  const giveUp = setTimeout(() => trial.giveUp(`It took longer than ${limitMs / 60_000} minutes.`), limitMs);
  try {
    await story(trial);
  } catch (error) {
    trial.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    clearTimeout(giveUp);
    await trial.end();
  }
  console.log(`\n${trial.held} as expected, ${trial.failed} not.`);
  process.exitCode = trial.failed === 0 && trial.held > 0 ? 0 : 1;
}

class Trial {
  held = 0;
  failed = 0;
  #servers = [];

  constructor(folder) {
    this.folder = folder;
    this.home = join(folder, 'home');
  }

  /** A Python with these packages, of this version at least: `PYTHON` names one, else the newest on the PATH is taken. */
  async installPython(packages, least = [3, 10]) {
    const found = [process.env.PYTHON, 'python3', 'python3.13', 'python3.12', 'python3.11']
      .filter(Boolean)
      .find((name) => isPythonOf(name, least));
    if (!found) throw new Error(`Python ${least.join('.')} or newer is needed. Name one with PYTHON=…`);
    const environment = join(this.folder, 'python');
    const python = join(environment, 'bin/python');
    await this.#install(found, ['-m', 'venv', environment]);
    await this.#install(python, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...packages,
    ]);
    const names = packages.map((name) => name.replace(/\[.*?\]|==.*/g, ''));
    const shown = execFileSync(python, ['-m', 'pip', '--disable-pip-version-check', 'show', ...names], {
      encoding: 'utf8',
    });
    for (const [, name, version] of shown.matchAll(/^Name: (.+)\nVersion: (.+)$/gm))
      tell(`${name} ${version}`);
    return python;
  }

  /** The folder of these npm packages. */
  async installNode(packages) {
    await writeFile(join(this.folder, 'package.json'), '{"private": true}\n');
    await this.#install('npm', [
      'install',
      '--silent',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      ...packages,
    ]);
    const modules = join(this.folder, 'node_modules');
    for (const name of packages.map((each) => each.replace(/(?<=.)@.*/, ''))) {
      const { version } = JSON.parse(await readFile(join(modules, name, 'package.json'), 'utf8'));
      tell(`${name} ${version}`);
    }
    return modules;
  }

  async #install(command, args) {
    const { code, stdout, stderr } = await run(command, args, { cwd: this.folder });
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  }

  /** Starts a server, waits until an address of it answers with less than 500, and keeps what it prints in a file. */
  async start(name, command, args, { ready, environment = {} }) {
    const child = spawn(command, args, {
      cwd: this.folder,
      // Its HOME is the folder of the script, so that it finds and leaves nothing of anybody's.
      env: { PATH: process.env.PATH, HOME: this.folder, TMPDIR: this.folder, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const log = createWriteStream(this.path(`${name}.log`));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#servers.push(child);
    while (!(await answers(ready))) {
      if (child.exitCode !== null || this.failed > 0) {
        throw new Error(`${name} did not start:\n${await readFile(this.path(`${name}.log`), 'utf8')}`);
      }
      await wait(200);
    }
    return child;
  }

  path(name) {
    return join(this.folder, name);
  }

  async write(name, content) {
    await mkdir(this.folder, { recursive: true });
    await writeFile(this.path(name), content);
    return this.path(name);
  }

  read(name) {
    return readFile(this.path(name), 'utf8');
  }

  /** Runs the built program: a home of its own, and no key and no address but those of the arguments. */
  loom(...args) {
    return run(process.execPath, [program, ...args], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.folder, LOOM_HOME: this.home },
    });
  }

  /** The rows of an output in JSON Lines, or of another file of them. */
  async rows(name) {
    return (await this.read(name))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** Tells whether what was seen is what the script expects, and goes on either way. */
  same(what, seen, expected) {
    if (isDeepStrictEqual(seen, expected)) return this.#hold(what);
    this.fail(`${what}\n  expected: ${JSON.stringify(expected)}\n  seen:     ${JSON.stringify(seen)}`);
  }

  /** The same for a text of which a part is settled. */
  like(what, seen, pattern) {
    if (pattern.test(seen)) return this.#hold(what);
    this.fail(`${what}\n  expected: ${pattern}\n  seen:     ${seen}`);
  }

  /** What is worth reading, though nothing depends on it. */
  note(text) {
    tell(text);
  }

  #hold(what) {
    this.held += 1;
    console.log(`ok   ${what}`);
  }

  fail(text) {
    this.failed += 1;
    console.log(`FAIL ${text}`);
  }

  giveUp(text) {
    this.fail(text);
    this.end().finally(() => process.exit(1));
  }

  async end() {
    for (const child of this.#servers.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // Its group, with the workers that it started itself.
      process.kill(-child.pid, 'SIGTERM');
      await Promise.race([ended, wait(5000).then(() => process.kill(-child.pid, 'SIGKILL'))]).catch(() => {});
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A port that was free a moment ago. */
export async function findPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks a server something without our program, and reads JSON. */
export async function ask(address, { method, headers, body } = {}) {
  const response = await fetch(address, {
    method: method ?? (body ? 'POST' : 'GET'),
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: await response.json().catch(() => undefined),
  };
}

function tell(text) {
  console.log(`     ${text}`);
}

function isPythonOf(name, [major, minor]) {
  const line = `import sys; sys.exit(sys.version_info < (${major}, ${minor}))`;
  try {
    execFileSync(name, ['-c', line], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function answers(address) {
  try {
    const { status } = await fetch(address, { signal: AbortSignal.timeout(2000) });
    return status < 500;
  } catch {
    return false;
  }
}

function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
