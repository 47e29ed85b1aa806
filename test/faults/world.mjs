/** A folder and a home of their own, a sandbox, and the built program run against it. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { outputName } from './inputs.mjs';
import { findWrongRows, listFiles } from './outputs.mjs';
import { findTouched, plantForeignFiles } from './plants.mjs';
import { collect, isStopped, pause } from './processes.mjs';

export const program = resolve(import.meta.dirname, '../../dist/loom.js');
const preloadOf = (name) => ['--import', pathToFileURL(resolve(import.meta.dirname, name)).href];

let host;

/**
 * What runs within this process, which takes a fifth of the time: the sandbox (`startSandbox`), and where the host has a
 * `run`, commands that nothing stops and nobody signals.
 */
export function runWithin(chosen) {
  host = chosen;
}

/** Files of the home that every story leaves: the marks of home and cache, and the history. */
const alwaysThere = /^(loom-home\.json|cache\/loom-cache\.json|history\/\w+\.json)$/;

/** Where `loom sandbox` has what its providers know. */
const providersFolder = '.loom/sandbox/providers';

const leftoverAgeMs = 26 * 3600_000;

/** A look at the lock that is younger than a second counts. */
const shortestSuspensionMs = 1_200;

/** How old a lock is made that nobody has renewed for too long. */
const silenceMs = 31_000;

/**
 * `faults` is what the sandbox is told to do wrong; a batch ends after `turnaroundMs`. `hurry`: the program's long
 * pauses are short; `countsCache`: steps of the cache are places to stop at, too. Foreign files lie beside the output of `provider`, and in the home unless `plants` is false.
 */
export async function createWorld({
  faults,
  turnaroundMs = 0,
  latencyMs = 0,
  hurry = false,
  countsCache = false,
  provider,
  plants = true,
} = {}) {
  const root = await mkdtemp(join(tmpdir(), 'loom-faults-'));
  const world = new World(root, { hurry, countsCache });
  for (const folder of [world.folder, world.home, world.sandboxHome]) await mkdir(folder);
  if (plants) {
    const output = provider ? outputName(provider) : 'output.csv';
    world.plants = await plantForeignFiles({ home: world.statePath(''), folder: world.folder, output });
  }
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
  /** Files of somebody else, with their contents. */
  plants = new Map();
  /** Addresses and keys of the providers. */
  environment = {};
  /** What may stand nowhere. */
  key = 'sandbox-key';
  #sandbox;
  #origin;
  #hurry;
  #countsCache;
  #beside = 0;

  constructor(root, { hurry, countsCache }) {
    this.root = root;
    this.#hurry = hurry;
    this.#countsCache = countsCache;
    this.folder = join(root, 'place');
    this.home = join(root, 'home');
    this.sandboxHome = join(root, 'sandbox');
  }

  async startSandbox(options) {
    const dir = join(this.sandboxHome, providersFolder);
    this.#sandbox = await host.startSandbox({ ...options, dir });
    Object.assign(this.environment, this.#sandbox.environment);
    this.#origin = new URL(this.environment.OPENAI_BASE_URL).origin;
  }

  /** Runs the program; with a stop, or one that waits, it is stopped there. */
  async loom(args, { stop = this.stops.shift(), ...options } = {}) {
    const needsProcess = stop !== undefined || options.uid !== undefined || options.through || options.stdio;
    if (!host.run || needsProcess || this.#hurry) return this.start(args, { stop, ...options }).ended;
    const entry = { args, ended: undefined };
    this.log.push(entry);
    const ended = await host.run(args, {
      folder: options.folder ?? this.folder,
      environment: this.#variables(options),
    });
    entry.ended = { signal: null, hung: false, ...ended };
    return entry.ended;
  }

  /**
   * One of several commands at once. Of those that could all be within this process the first is one of its own, so that
   * two processes are at it.
   */
  loomBeside(args) {
    this.#beside += 1;
    return this.#beside === 1 ? this.start(args).ended : this.loom(args);
  }

  #variables({ home = this.home, variables }) {
    return { PATH: process.env.PATH, HOME: home, USERPROFILE: home, ...this.environment, ...variables };
  }

  /**
   * A command under way, and the way to send it a signal. `uid`: as this user; `through`: a program that is given the
   * command line.
   */
  start(args, options = {}) {
    const { stop, uid, stdio = ['ignore', 'pipe', 'pipe'] } = options;
    const tracePath = join(this.root, `trace-${this.log.length}.json`);
    const stopVariables = {
      LOOM_STOP_AT: stop,
      LOOM_STOP_TRACE: tracePath,
      LOOM_STOP_ROOT: this.root,
      ...(this.#countsCache && { LOOM_STOP_CACHE: '1' }),
    };
    const preloads = [
      ...(stop === undefined ? [] : preloadOf('stop-at.mjs')),
      ...(this.#hurry ? preloadOf('hurry.mjs') : []),
    ];
    const line = [process.execPath, ...preloads, program, ...args];
    const [command, ...rest] = options.through ? options.through(line) : line;
    const child = spawn(command, rest, {
      cwd: options.folder ?? this.folder,
      env: { ...(stop !== undefined && stopVariables), ...this.#variables(options) },
      stdio,
      ...(uid !== undefined && { uid, gid: options.gid ?? uid }),
    });
    const entry = { args, stop, ended: undefined };
    this.log.push(entry);
    const ended = collect(child).then(async (result) => {
      entry.ended = result;
      if (stop === undefined) return result;
      result.trace = JSON.parse(await readFile(tracePath, 'utf8').catch(() => '{"steps":[]}'));
      this.traces.push({ stop, ...result.trace, code: result.code });
      return result;
    });
    return { child, ended };
  }

  /**
   * A command that is suspended at its stop: `resume` lets it go on. `isSuspended` is false when it never got there.
   * `isOvertaken`: others may take its lock meanwhile.
   */
  async suspend(args, stop, { isOvertaken = true } = {}) {
    const { child, ended } = this.start(args, { stop });
    const isSuspended = await isStopped(child);
    if (isSuspended && isOvertaken) await this.ageLocks();
    const suspendedAt = Date.now();
    const resume = async () => {
      // Who was overtaken knows it only when its last look is old.
      if (isOvertaken) await pause(Math.max(0, shortestSuspensionMs - (Date.now() - suspendedAt)));
      child.kill('SIGCONT');
      return ended;
    };
    return { isSuspended, resume, ended };
  }

  /** Makes every lock look as if its holder had been silent for too long. */
  async ageLocks() {
    const silent = new Date(Date.now() - silenceMs);
    for (const name of await this.listState('locks'))
      await utimes(this.statePath(`locks/${name}`), silent, silent).catch(() => {});
  }

  /** From now on the sandbox does these things wrong, and no others. */
  async setFaults(faults) {
    const answer = await fetch(`${this.#origin}/sandbox/faults`, {
      method: 'PUT',
      body: JSON.stringify(faults),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** Changes what is decided of every batch of a vendor; with {} its results are whole. */
  async changeBatchFaults(vendor, fault) {
    for (const id of await this.batchIds(vendor)) await this.changeBatch(vendor, id, () => ({ fault }));
  }

  /** Changes fields of a batch as its vendor has it. */
  async changeBatch(vendor, id, change) {
    const batch = await this.readBatch(vendor, id);
    await writeFile(this.#batchPath(vendor, id), JSON.stringify({ ...batch, ...change(batch) }));
  }

  #batchPath(vendor, id) {
    return join(this.sandboxHome, providersFolder, vendor, 'batches', `${id}.json`);
  }

  /** What the sandbox was asked: calls and batches by vendor, answers by prompt. */
  async statistics() {
    return (await fetch(`${this.#origin}/sandbox/stats`)).json();
  }

  /** The ids of every batch that a vendor has. */
  async batchIds(vendor) {
    const folder = join(this.sandboxHome, providersFolder, vendor, 'batches');
    const names = await readdir(folder).catch(() => []);
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  }

  /** A batch as its vendor has it. */
  async readBatch(vendor, id) {
    return JSON.parse(await readFile(this.#batchPath(vendor, id), 'utf8'));
  }

  /** Paths of the files below the loom home, without those that every story leaves. */
  async listHome() {
    const root = join(this.home, '.loom');
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile());
    const paths = files
      .map((file) => join(file.parentPath, file.name))
      .filter((path) => !this.plants.has(path));
    const names = paths.map((path) => path.slice(root.length + 1));
    return names.filter((name) => !alwaysThere.test(name)).sort();
  }

  /** Names in a folder of the home, without those of others. */
  async listState(folder) {
    const names = await readdir(this.statePath(folder)).catch(() => []);
    const own = names.filter((name) => name !== '2024' && name !== 'tmp');
    return own.filter((name) => !this.plants.has(this.statePath(`${folder}/${name}`)));
  }

  /** All that loom knows is lost, and what others had there with it. */
  async loseHome() {
    await rm(this.statePath(''), { recursive: true });
    for (const path of this.plants.keys()) if (path.startsWith(this.home)) this.plants.delete(path);
  }

  /** What the history has of each output. */
  async readHistory() {
    const folder = this.statePath('history');
    const names = (await this.listState('history')).filter((name) => name.endsWith('.json'));
    return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
  }

  statePath(name) {
    return join(this.home, '.loom', name);
  }

  /** Makes what may be anybody's as old as what a later command clears away; returns how many files that are. */
  async ageLeftovers() {
    const old = new Date(Date.now() - leftoverAgeMs);
    const names = await this.listHome();
    const left = names.filter((name) => /\.(tmp|growing)$|^(results|requests)\//.test(name));
    for (const name of left) await utimes(this.statePath(name), old, old);
    return left.length;
  }

  /** Files next to the input, by name. */
  async readFolder() {
    const names = (await this.#listOwnFiles()).map((path) => path.slice(this.folder.length + 1)).sort();
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

  /** What no story may do, whatever happens in it. */
  async findHarm() {
    return {
      wrongRows: await findWrongRows(this.folder),
      touched: (await findTouched(this.plants)).map((path) => path.slice(this.root.length)),
      leaks: await this.#findLeaks(),
    };
  }

  /** Files of loom that hold the key. */
  async #findLeaks() {
    const names = await this.listHome();
    const paths = [...names.map((name) => this.statePath(name)), ...(await this.#listOwnFiles())];
    const holds = await Promise.all(
      paths.map(async (path) => (await readFile(path, 'utf8').catch(() => '')).includes(this.key)),
    );
    return paths.filter((_, place) => holds[place]).map((path) => path.slice(this.root.length));
  }

  async #listOwnFiles() {
    const paths = (await listFiles(this.folder)).map((name) => join(this.folder, name));
    return paths.filter((path) => !this.plants.has(path));
  }

  /** All that the commands so far said. */
  get said() {
    return this.log.map(({ ended }) => (ended ? ended.stdout + ended.stderr : '')).join('\n');
  }

  async remove() {
    await this.#sandbox?.close();
    await rm(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
