/** Runs programs as processes of their own, and tells how long they took and how much memory they had. */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

const running = new Set();
let closed = false;

/** A process that is ended when the benchmark ends, however that ends. */
export function start(command, { folder, environment }) {
  if (closed) throw new Error('The benchmark is ending.');
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Runs a command to its end. Anything but success is thrown, with what the command said. */
export async function run(command, place) {
  const peakFile = join(place.folder, 'peak-memory.txt');
  const environment = { ...place.environment, LOOM_BENCH_PEAK_FILE: peakFile };
  const startedAt = performance.now();
  const child = start(command, { ...place, environment });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const seconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) {
    const said = `${stdout.text}${stderr.text}`.trim().slice(-2000);
    throw new Error(`${command.join(' ')} ended with exit code ${code}:\n${said}`);
  }
  return { seconds, stdout: stdout.text, peakMegabytes: await takePeak(peakFile) };
}

function collect(stream) {
  const collected = { text: '' };
  stream.setEncoding('utf8').on('data', (text) => {
    collected.text += text;
  });
  return collected;
}

/** What the command wrote about itself at its end (see peak-memory.mjs), in millions of bytes. */
async function takePeak(path) {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  await rm(path, { force: true });
  return text === undefined ? undefined : (Number(text) * 1024) / 1e6;
}

/** Ends a process that was started here, and waits until it is gone. */
export async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill();
  const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(impatience);
}

export async function endAll() {
  await Promise.all([...running].map(end));
}

/** Ends all that runs, and lets nothing more be started. */
export async function endForGood() {
  closed = true;
  await endAll();
}
