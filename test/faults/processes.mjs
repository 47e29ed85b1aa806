/** Processes that the suite starts: what they say, how they end, and whether they are stopped. */
import { readFile } from 'node:fs/promises';

/** No command may take longer: a lock of a dead process is broken, and a provider's pause is over, well before. */
const longestCommandMs = 120_000;
const lookEveryMs = 20;

export function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Waits until a process is stopped by a signal (true) or has ended (false). */
export async function isStopped(child) {
  while (child.exitCode === null && child.signalCode === null) {
    const state = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '');
    if (/\) T /.test(state)) return true;
    await pause(lookEveryMs);
  }
  return false;
}

export function collect(child) {
  return new Promise((done, fail) => {
    const ended = { code: null, signal: null, stdout: '', stderr: '', hung: false };
    child.stdout?.setEncoding('utf8').on('data', (text) => (ended.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (ended.stderr += text));
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

/** A command line through `script`, which gives it a terminal and its exit code to us. */
export function throughTerminal(line) {
  const quoted = line.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return ['script', '-qec', `exec ${quoted.join(' ')}`, '/dev/null'];
}
