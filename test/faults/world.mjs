/** A folder and a home of their own, a sandbox as its own process, and the built program run against it. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const program = resolve(import.meta.dirname, '../../dist/loom.js');
const preload = pathToFileURL(resolve(import.meta.dirname, 'stop-at.mjs')).href;

/** No command may take longer: a lock of a dead process is broken, and a provider's pause is over, well before. */
const longestCommandMs = 120_000;

/** Sandboxes of worlds that are still there: they must not outlive the suite. */
const sandboxes = new Set();
process.on('exit', () => {
  for (const sandbox of sandboxes) sandbox.kill('SIGKILL');
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const leftoverAgeMs = 26 * 3600_000;

/** `faults` is what the sandbox is told to do wrong; a batch ends after `turnaroundMs`. */
export async function createWorld({ faults, turnaroundMs = 0, latencyMs = 0 } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'loom-faults-'));
  const world = new World(root);
  for (const folder of [world.folder, world.home, world.sandboxHome]) await mkdir(folder);
  await world.startSandbox({ faults, turnaroundMs, latencyMs });
  return world;
}

class World {
  /** Every command and how it ended, for reports. */
  log = [];
  /** Stops that wait for the next commands. */
  stops = [];
  /** How the stopped commands went. */
  traces = [];
  #sandbox;
  #origin;
  #environment = {};

  constructor(root) {
    this.root = root;
    this.folder = join(root, 'work');
    this.home = join(root, 'home');
    this.sandboxHome = join(root, 'sandbox');
  }

  async startSandbox({ faults, turnaroundMs, latencyMs }) {
    const args = ['sandbox', '--turnaround', String(turnaroundMs), '--latency', String(latencyMs)];
    if (faults) {
      await writeFile(join(this.root, 'faults.json'), JSON.stringify(faults));
      args.push('--faults', join(this.root, 'faults.json'));
    }
    this.#sandbox = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env.PATH, HOME: this.sandboxHome, USERPROFILE: this.sandboxHome },
      cwd: this.root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    sandboxes.add(this.#sandbox);
    const text = await waitForText(this.#sandbox, /export OPENROUTER.*\n/);
    for (const [, name, value] of text.matchAll(/(\w+)=(\S+)/g)) this.#environment[name] = value;
    this.#origin = new URL(this.#environment.OPENAI_BASE_URL).origin;
  }

  /** Runs the program; with a stop, or one that waits, it is stopped there. `uid`: as this user. */
  async loom(args, { stop = this.stops.shift(), uid, home = this.home, variables = {} } = {}) {
    const traced = stop !== undefined;
    const tracePath = join(this.root, `trace-${this.log.length}.json`);
    const stopVariables = { LOOM_STOP_AT: stop ?? '', LOOM_STOP_TRACE: tracePath, LOOM_STOP_ROOT: this.root };
    const child = spawn(process.execPath, [...(traced ? ['--import', preload] : []), program, ...args], {
      cwd: this.folder,
      env: {
        PATH: process.env.PATH,
        HOME: home,
        USERPROFILE: home,
        ...this.#environment,
        ...(traced && stopVariables),
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    const entry = { args, stop, ended: undefined };
    this.log.push(entry);
    entry.ended = await collect(child);
    if (traced) {
      entry.ended.trace = JSON.parse(await readFile(tracePath, 'utf8').catch(() => '{"steps":[]}'));
      this.traces.push({ stop, ...entry.ended.trace, code: entry.ended.code });
    }
    return entry.ended;
  }

  /** A command under way, and the way to send it a signal. */
  start(args) {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.home, USERPROFILE: this.home, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const entry = { args, ended: undefined };
    this.log.push(entry);
    return { child, ended: collect(child).then((ended) => (entry.ended = ended)) };
  }

  /** What the sandbox was asked: calls and batches by vendor, answers by prompt. */
  async statistics() {
    return (await fetch(`${this.#origin}/sandbox/stats`)).json();
  }

  /** The ids of every batch that a vendor has. */
  async batchIds(vendor) {
    const folder = join(this.sandboxHome, '.loom/sandbox/providers', vendor, 'batches');
    const names = await readdir(folder).catch(() => []);
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  }

  /** A batch as its vendor has it. */
  async readBatch(vendor, id) {
    const path = join(this.sandboxHome, '.loom/sandbox/providers', vendor, 'batches', `${id}.json`);
    return JSON.parse(await readFile(path, 'utf8'));
  }

  /** Paths of the files below the loom home, without the history, which every output leaves. */
  async listHome() {
    const root = join(this.home, '.loom');
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile());
    const names = files.map((file) => join(file.parentPath, file.name).slice(root.length + 1));
    return names.filter((name) => !/^history\/\w+\.json$/.test(name)).sort();
  }

  /** What the history has of each output. */
  async readHistory() {
    const folder = this.statePath('history');
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
    return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
  }

  statePath(name) {
    return join(this.home, '.loom', name);
  }

  /** Makes what may be anybody's as old as what a later command clears away; returns how many files that are. */
  async ageLeftovers() {
    const old = new Date(Date.now() - leftoverAgeMs);
    const names = await this.listHome();
    const left = names.filter((name) => name.endsWith('.tmp') || /^(results|requests)\//.test(name));
    for (const name of left) await utimes(this.statePath(name), old, old);
    return left.length;
  }

  /** Files next to the input, by name. */
  async readFolder() {
    const names = (await readdir(this.folder)).sort();
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await this.read(name)])));
  }

  read(name) {
    return readFile(join(this.folder, name), 'utf8').catch(() => undefined);
  }

  write(name, content) {
    return writeFile(join(this.folder, name), content);
  }

  /** Removes an output and what belongs to it. */
  async clearFolder(output) {
    for (const name of [output, `${output}.errors.jsonl`]) await rm(join(this.folder, name), { force: true });
  }

  exists(name) {
    return stat(join(this.folder, name)).then(
      () => true,
      () => false,
    );
  }

  /** All that the commands so far said. */
  get said() {
    return this.log.map(({ ended }) => (ended ? ended.stdout + ended.stderr : '')).join('\n');
  }

  async remove() {
    this.#sandbox?.kill('SIGKILL');
    sandboxes.delete(this.#sandbox);
    await rm(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function waitForText(child, pattern) {
  return new Promise((done, fail) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (pattern.test(text)) done(text);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    child.once('exit', () => fail(new Error(`The sandbox ended: ${text}`)));
  });
}

function collect(child) {
  return new Promise((done, fail) => {
    const ended = { code: null, signal: null, stdout: '', stderr: '', hung: false };
    child.stdout.setEncoding('utf8').on('data', (text) => (ended.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (ended.stderr += text));
    const timer = setTimeout(() => {
      ended.hung = true;
      child.kill('SIGKILL');
    }, longestCommandMs);
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      done(Object.assign(ended, { code, signal }));
    });
  });
}
