/**
 * Preloaded into the program (`node --import`): counts its steps (disk operations and calls) and stops it at one of
 * them. Nothing in the program knows of it. Variables: LOOM_STOP_AT, a stop as in `readStop`; LOOM_STOP_TRACE, a file
 * that gets what happened; LOOM_STOP_ROOT, which is cut off the paths in it.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { readStop, signalNames } from './stop.mjs';

const stop = readStop(process.env.LOOM_STOP_AT ?? '');
/** The number of the step that it stops at; not known yet where it is told by its label. */
let target = stop.label ? Number.POSITIVE_INFINITY : stop.step;
let labelled = 0;
const tracePath = process.env.LOOM_STOP_TRACE;
const root = process.env.LOOM_STOP_ROOT ?? '';
const { writeFileSync } = fs;

const steps = [];
let callsInFlight = 0;
let reached = false;

process.on('exit', writeTrace);

function writeTrace() {
  writeFileSync(tracePath, JSON.stringify({ steps, reached, at: steps[target - 1], callsInFlight }));
}

function killNow() {
  reached = true;
  writeTrace();
  process.kill(process.pid, 'SIGKILL');
}

const failures = {
  full: { code: 'ENOSPC', errno: -28, words: 'no space left on device' },
  readonly: { code: 'EROFS', errno: -30, words: 'read-only file system' },
};

/** A step may need new space on the disk (`space`), only change it (`change`), or neither (`none`). */
function failsNow(number, needs) {
  if (number < target || needs === 'none') return undefined;
  if (stop.how === 'full' && needs === 'space') return failures.full;
  if (stop.how === 'readonly') return failures.readonly;
  return undefined;
}

function diskError({ code, errno, words }, label) {
  return Object.assign(new Error(`${code}: ${words}, ${label}`), {
    code,
    errno,
    syscall: label.split(' ')[0],
  });
}

/**
 * What comes when its time has come is not counted, or the numbers of all others would be others each time: answers on
 * their way to the cache, which a second thread may do as well, and heartbeats.
 */
const ofCache = /\/\.loom\/cache\b/;
const isHeartbeat = (path, flags) => flags === 'r+' && /\.lock$/.test(path);

/** Counts a step; throws where the disk refuses it, ends the process where it stops before it. */
function begin(label, needs) {
  if (ofCache.test(label)) return 0;
  const number = steps.push(label);
  if (stop.label?.test(label)) {
    labelled += 1;
    if (labelled === stop.step) target = number;
  }
  const failure = failsNow(number, needs);
  if (failure) {
    reached = true;
    throw diskError(failure, label);
  }
  if (number !== target) return number;
  if (stop.how === 'before') killNow();
  const signal = signalNames[stop.how];
  if (signal) {
    reached = true;
    writeTrace();
    process.kill(process.pid, signal);
  }
  return number;
}

function end(number) {
  if (number !== target) return;
  if (stop.how === 'after') killNow();
  if (stop.how !== 'suspend') return;
  reached = true;
  writeTrace();
  process.kill(process.pid, 'SIGSTOP');
}

const isHalf = (number) => number === target && stop.how === 'half';

function halfOf(data) {
  return data.subarray(0, Math.floor(data.length / 2));
}

function nameOf(path) {
  return String(path)
    .replace(root, '')
    .replace(/job_\d{14}_[0-9a-f]+/g, 'job_…')
    .replace(/[0-9a-f]{10,}/g, '…');
}

/** Long enough for another process to do all of its work meanwhile. */
const pauseMs = 2_500;

async function step(label, needs, perform) {
  const number = begin(label, needs);
  if (number === target && stop.how === 'pause') {
    reached = true;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  const result = await perform();
  end(number);
  return result;
}

function stepSync(label, needs, perform) {
  const number = begin(label, needs);
  // Over too where it fails, as the making of a folder that is there.
  try {
    return perform();
  } finally {
    end(number);
  }
}

const opensForWriting = (flags) => typeof flags === 'string' && /[wa+]/.test(flags);
const createsFile = (flags) => /[wa]/.test(flags);

/** Files that are open for writing, and what they are called. */
const writable = new WeakMap();

const originalOpen = promises.open;
promises.open = async (path, flags = 'r', ...rest) => {
  if (!opensForWriting(flags) || isHeartbeat(path, flags)) return originalOpen(path, flags, ...rest);
  return step(`open ${nameOf(path)}`, createsFile(flags) ? 'space' : 'change', async () => {
    const file = await originalOpen(path, flags, ...rest);
    writable.set(file, nameOf(path));
    return file;
  });
};

const probe = await originalOpen(process.execPath, 'r');
const fileHandle = Object.getPrototypeOf(probe);
await probe.close();

for (const name of ['write', 'writeFile', 'appendFile']) {
  const original = fileHandle[name];
  fileHandle[name] = async function (data, ...rest) {
    if (!writable.has(this)) return original.call(this, data, ...rest);
    const label = `${name} ${writable.get(this)}`;
    const number = begin(label, 'space');
    if (isHalf(number)) {
      await original.call(this, halfOf(Buffer.from(data)));
      killNow();
    }
    const result = await original.call(this, data, ...rest);
    end(number);
    return result;
  };
}
for (const name of ['sync', 'truncate', 'close']) {
  const original = fileHandle[name];
  fileHandle[name] = function (...rest) {
    if (!writable.has(this)) return original.apply(this, rest);
    return step(`${name} ${writable.get(this)}`, name === 'close' ? 'none' : 'change', () =>
      original.apply(this, rest),
    );
  };
}

/** A folder that is there already needs nothing of the disk. */
function needsFor(name, path) {
  return name === 'mkdir' && fs.existsSync(path) ? 'none' : needsOf[name];
}

const needsOf = { mkdir: 'space', link: 'space', rename: 'change', rm: 'change', unlink: 'change' };
for (const name of Object.keys(needsOf)) {
  const original = promises[name];
  promises[name] = (...rest) =>
    step(`${name} ${nameOf(rest[0])}`, needsFor(name, rest[0]), () => original(...rest));
  const originalSync = fs[`${name}Sync`];
  fs[`${name}Sync`] = (...rest) =>
    stepSync(`${name}Sync ${nameOf(rest[0])}`, needsFor(name, rest[0]), () => originalSync(...rest));
}
fs.writeFileSync = (path, data, ...rest) => {
  const number = begin(`writeFileSync ${nameOf(path)}`, 'space');
  if (isHalf(number)) {
    writeFileSync(path, halfOf(Buffer.from(data)), ...rest);
    killNow();
  }
  writeFileSync(path, data, ...rest);
  end(number);
};
syncBuiltinESMExports();

for (const protocol of [http, https]) {
  const original = protocol.request;
  protocol.request = (options) => {
    const number = begin(`call ${options.method} ${nameOf(options.path.replace(/\?.*/, ''))}`, 'none');
    const request = original(options);
    callsInFlight += 1;
    request.once('close', () => (callsInFlight -= 1));
    request.once('response', () => end(number));
    return request;
  };
}
