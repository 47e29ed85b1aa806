/**
 * Preloaded into the program (`node --import`): counts its steps (disk operations and calls) and stops it at one of
 * them. Nothing in the program knows of it. Variables: LOOM_STOP_AT, a stop as in `readStop`; LOOM_STOP_TRACE, a file
 * that gets what happened; LOOM_STOP_ROOT, which is cut off the paths in it; LOOM_STOP_CACHE, where the steps of the cache
 * are counted too. It is loaded into each thread, and they count together.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';
import { never, readStop, signalNames } from './stop.mjs';

const stop = readStop(process.env.LOOM_STOP_AT ?? '');
const tracePath = process.env.LOOM_STOP_TRACE;
const root = process.env.LOOM_STOP_ROOT ?? '';
const countsCache = process.env.LOOM_STOP_CACHE !== undefined;
const { writeFileSync } = fs;

/** What all threads know: how far they are, and the labels of the steps as lines, in the order in which they came. */
const memoryName = 'loom-stop-at';
const memory = threads.getEnvironmentData(memoryName) ?? new SharedArrayBuffer(8 * 1024 * 1024);
const places = { steps: 0, labelled: 1, target: 2, reached: 3, labelBytes: 4 };
const shared = new Int32Array(memory, 0, Object.keys(places).length);
const labels = new Uint8Array(memory, shared.byteLength);
const isReached = () => Atomics.load(shared, places.reached) === 1;
const markReached = () => Atomics.store(shared, places.reached, 1);
/** The number of the step that it stops at; not known yet where it is told by its label. */
const target = () => Atomics.load(shared, places.target) || Number.POSITIVE_INFINITY;

if (threads.isMainThread) {
  threads.setEnvironmentData(memoryName, memory);
  if (!stop.label) Atomics.store(shared, places.target, Math.min(stop.step, Number(never)));
  process.on('exit', writeTrace);
}

/** Gives a step its number. */
function count(label) {
  const line = Buffer.from(`${label}\n`);
  const number = Atomics.add(shared, places.steps, 1) + 1;
  labels.set(line, Atomics.add(shared, places.labelBytes, line.length));
  return number;
}

function writeTrace() {
  const text = Buffer.from(labels.subarray(0, Atomics.load(shared, places.labelBytes))).toString();
  const steps = text.split('\n').slice(0, -1);
  writeFileSync(tracePath, JSON.stringify({ steps, reached: isReached(), at: steps[target() - 1] }));
}

function killNow() {
  markReached();
  writeTrace();
  process.kill(process.pid, 'SIGKILL');
}

const failures = {
  full: { code: 'ENOSPC', errno: -28, words: 'no space left on device' },
  readonly: { code: 'EROFS', errno: -30, words: 'read-only file system' },
};

/** A step may need new space on the disk (`space`), only change it (`change`), or neither (`none`). */
function failsNow(number, needs) {
  if (number < target() || needs === 'none') return undefined;
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
 * What comes when its time has come is not counted, or the numbers of all others would be others each time: heartbeats,
 * and answers on their way to the cache, unless they are what is tried.
 */
const ofCache = /\/\.loom\/cache\b/;
const isHeartbeat = (path, flags) => flags === 'r+' && /\.lock$/.test(path);

/** Node.js performs some of these with others of them, and those are no steps of their own. */
let isWithin = false;

function perform(work) {
  const outer = isWithin;
  isWithin = true;
  try {
    return work();
  } finally {
    isWithin = outer;
  }
}

/** Counts a step; throws where the disk refuses it, ends the process where it stops before it. */
function begin(label, needs) {
  if (isWithin || (!countsCache && ofCache.test(label))) return 0;
  const number = count(label);
  if (stop.label?.test(label) && Atomics.add(shared, places.labelled, 1) + 1 === stop.step)
    Atomics.store(shared, places.target, number);
  const failure = failsNow(number, needs);
  if (failure) {
    markReached();
    throw diskError(failure, label);
  }
  if (number !== target()) return number;
  if (stop.how === 'before') killNow();
  const signal = signalNames[stop.how];
  if (signal) {
    markReached();
    writeTrace();
    process.kill(process.pid, signal);
  }
  return number;
}

function end(number) {
  if (number !== target()) return;
  if (stop.how === 'after') killNow();
  if (stop.how !== 'suspend') return;
  markReached();
  writeTrace();
  process.kill(process.pid, 'SIGSTOP');
}

const isHalf = (number) => number === target() && stop.how === 'half';

function halfOf(data) {
  return data.subarray(0, Math.floor(data.length / 2));
}

function nameOf(path) {
  return String(path)
    .replace(root, '')
    .replace(/job_\d{14}_[0-9a-f]+/g, 'job_…')
    .replace(/answers_\d+_[0-9a-f]+/g, 'answers_…')
    .replace(/[0-9a-f]{10,}/g, '…');
}

/** Long enough for another process to do all of its work meanwhile. */
const pauseMs = 2_500;

async function step(label, needs, work) {
  const number = begin(label, needs);
  if (number === target() && stop.how === 'pause') {
    markReached();
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  const result = await work();
  end(number);
  return result;
}

function stepSync(label, needs, work) {
  const number = begin(label, needs);
  // Over too where it fails, as the making of a folder that is there.
  try {
    return perform(work);
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

/** Numbers of the files that are open for writing here, and what they are called. */
const writableNumbers = new Map();
const { openSync, writeSync, closeSync } = fs;
fs.openSync = (path, flags = 'r', ...rest) => {
  if (!opensForWriting(flags)) return openSync(path, flags, ...rest);
  return stepSync(`openSync ${nameOf(path)}`, createsFile(flags) ? 'space' : 'change', () => {
    const file = openSync(path, flags, ...rest);
    writableNumbers.set(file, nameOf(path));
    return file;
  });
};
fs.writeSync = (file, data, ...rest) => {
  if (!writableNumbers.has(file)) return writeSync(file, data, ...rest);
  const number = begin(`writeSync ${writableNumbers.get(file)}`, 'space');
  if (isHalf(number)) {
    const [offset = 0, length = data.length - offset] = rest;
    writeSync(file, data, offset, Math.floor(length / 2));
    killNow();
  }
  const written = writeSync(file, data, ...rest);
  end(number);
  return written;
};
const { write } = fs;
fs.write = (file, data, ...rest) => {
  if (!writableNumbers.has(file)) return write(file, data, ...rest);
  const tell = rest.pop();
  let number;
  try {
    number = begin(`write ${writableNumbers.get(file)}`, 'space');
  } catch (error) {
    return process.nextTick(tell, error);
  }
  if (isHalf(number)) {
    const [offset = 0, length = data.length - offset] = rest;
    writeSync(file, data, offset, Math.floor(length / 2));
    killNow();
  }
  return write(file, data, ...rest, (...result) => {
    end(number);
    tell(...result);
  });
};
for (const name of ['fsyncSync', 'fchmodSync']) {
  const original = fs[name];
  fs[name] = (file, ...rest) => {
    if (!writableNumbers.has(file)) return original(file, ...rest);
    return stepSync(`${name} ${writableNumbers.get(file)}`, 'change', () => original(file, ...rest));
  };
}
fs.closeSync = (file) => {
  const name = writableNumbers.get(file);
  writableNumbers.delete(file);
  return name === undefined ? closeSync(file) : stepSync(`closeSync ${name}`, 'none', () => closeSync(file));
};
const { utimesSync } = fs;
fs.utimesSync = (path, ...rest) =>
  stepSync(`utimesSync ${nameOf(path)}`, 'change', () => utimesSync(path, ...rest));
fs.writeFileSync = (file, data, ...rest) => {
  const number = begin(`writeFileSync ${writableNumbers.get(file) ?? nameOf(file)}`, 'space');
  if (isHalf(number)) {
    perform(() => writeFileSync(file, halfOf(Buffer.from(data)), ...rest));
    killNow();
  }
  perform(() => writeFileSync(file, data, ...rest));
  end(number);
};

/** The program starts its threads without what was preloaded into it. */
const { Worker } = threads;
if (countsCache) {
  threads.Worker = class extends Worker {
    constructor(script, options) {
      super(script, { ...options, execArgv: ['--import', import.meta.url] });
    }
  };
}
syncBuiltinESMExports();

for (const protocol of [http, https]) {
  const original = protocol.request;
  protocol.request = (options) => {
    const number = begin(`call ${options.method} ${nameOf(options.path.replace(/\?.*/, ''))}`, 'none');
    const request = original(options);
    request.once('response', () => end(number));
    return request;
  };
}
