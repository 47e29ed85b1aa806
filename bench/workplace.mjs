/** Where the benchmark works: a temporary folder, the built program, and sandboxes in processes of their own. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { end, endAll, endForGood, run, start } from './processes.mjs';

const entry = resolve(import.meta.dirname, '../dist/loom.js');
const preload = import.meta.resolve('./peak-memory.mjs');

/** The built program as a command: first words of a command line. */
export const loom = [process.execPath, entry];
/** A built program as a command that tells its peak memory at its end. */
export function measuredProgram(entry) {
  return [process.execPath, '--import', preload, entry];
}

const passedOn = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'SYSTEMROOT', 'LANG', 'LC_ALL'];

export async function openWorkplace() {
  if (!existsSync(entry)) throw new Error(`${entry} is not there: npm run build.`);
  const root = await mkdtemp(join(tmpdir(), 'loom-bench-'));
  const castOff = join(root, 'cast-off');
  await mkdir(castOff);
  let created = 0;
  let places = [];

  async function close() {
    await endForGood();
    await remove(root);
  }
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143)));
  }

  return {
    close,
    /** An empty folder with an empty home, and what a process that runs in it may see. It lasts for one section. */
    async createPlace(name, variables = {}, { lasting = false } = {}) {
      created += 1;
      const folder = join(root, `${created}-${name}`);
      const home = join(folder, 'home');
      const cache = join(home, '.loom', 'cache');
      await mkdir(home, { recursive: true });
      const place = {
        folder,
        home,
        lasting,
        environment: { ...baseEnvironment(), HOME: home, USERPROFILE: home, ...variables },
        /**
         * Removes the folder, but only puts a cache aside until the end: some file systems (ext4 without a journal) are
         * fifty times as slow at making files for minutes after many were deleted.
         */
        async discard() {
          places = places.filter((other) => other !== place);
          if (existsSync(cache)) await rename(cache, join(castOff, basename(folder)));
          await remove(folder);
        },
      };
      places.push(place);
      return place;
    },
    /** A sandbox with the vendors' real limits on a free port; `variables` lead any program to it. */
    async startSandbox({ latencyMs = 0 } = {}) {
      const place = await this.createPlace('sandbox');
      const flags = ['--port', '0', '--latency', String(latencyMs), '--turnaround', '0'];
      const child = start([...loom, 'sandbox', ...flags], place);
      const variables = await readExports(child);
      return {
        variables,
        async stop() {
          await end(child);
          await place.discard();
        },
      };
    },
    /** Ends what a section left running, and removes its folders. */
    async tidy() {
      await endAll();
      for (const place of places) if (!place.lasting) await place.discard();
    },
  };
}

/** Removes a file or a folder. */
export function remove(path) {
  return rm(path, { recursive: true, force: true, maxRetries: 3 });
}

function baseEnvironment() {
  const known = passedOn.filter((name) => process.env[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, process.env[name]]));
}

/** The variables that a sandbox prints, one `export` line for each of the four vendors. */
async function readExports(sandbox) {
  let printed = '';
  let complaints = '';
  sandbox.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text;
  });
  return new Promise((resolve, reject) => {
    sandbox.once('close', () => reject(new Error(`The sandbox ended: ${complaints}`)));
    sandbox.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text;
      const lines = printed.split('\n').slice(0, -1);
      if (lines.length >= 4) resolve(Object.fromEntries(lines.flatMap(readExport)));
    });
  });
}

function readExport(line) {
  return [...line.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value]);
}

/** Runs a measured command of the program in a place. */
export function runLoom(place, ...args) {
  return run([...measuredProgram(entry), ...args], place);
}
