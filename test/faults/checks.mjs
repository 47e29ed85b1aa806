/** What a story leaves, and how it differs from what the same story leaves undisturbed. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { outputName, refusedPrompt } from './stories.mjs';

/** By this the sandbox's statistics know a prompt. */
export const hashOf = (prompt) => createHash('sha256').update(prompt).digest('hex').slice(0, 16);
const refusedHash = hashOf(refusedPrompt);

/** A file of the loom home without the parts of its name that are new each time. */
function normalize(name) {
  return (
    name
      .replace(/job_\d{14}_[0-9a-f]+/, 'job_…')
      // Named by the address too, which is another sandbox in each world.
      .replace(/^cache\/[0-9a-f]{64}\.json$/, 'cache/….json')
      .replace(/\.\d+\.lock/, '.#.lock')
      .replace(/((msg)?batch(es)?_)[0-9a-f]{20,}/, '$1…')
      .replace(/loom-job-\d{14}-[0-9a-f]+(~[0-9a-f]{24})?/, 'loom-job-…')
      .replace(/\.[0-9a-f]{12}(\.tmp)/, '.…$1')
  );
}

export async function captureState(world, provider) {
  const { vendors, prompts } = await world.statistics();
  return {
    folder: await world.readFolder(),
    home: (await world.listHome()).map(normalize).sort(),
    history: await readHistory(world, outputName(provider)),
    prompts,
    batches: vendors[provider].batches,
    cutAnswers: vendors[provider].lost,
    submitted: submittedIds(world),
  };
}

/** What the history has of an output, in the parts that are the same each time; undefined when it has nothing. */
async function readHistory(world, output) {
  const text = await world.read(output);
  for (const entry of await world.readHistory()) {
    if (!entry.output_path.endsWith(`/${output}`)) continue;
    const { mode, provider, rows, answered, blank_rows, failed, batch_ids } = entry;
    const isOfOutput = entry.output_bytes === Buffer.byteLength(text ?? '');
    return JSON.stringify({
      mode,
      provider,
      rows,
      answered,
      blank_rows,
      failed,
      batches: batch_ids.length,
      isOfOutput,
    });
  }
  return undefined;
}

export function submittedIds(world) {
  return new Set([...world.said.matchAll(/^Batch submitted\. id=(\S+)/gm)].map((match) => match[1]));
}

export function newFigures() {
  return {
    rowsLost: 0,
    askedTwice: 0,
    wrongRows: 0,
    foreignTouched: 0,
    paidAgain: 0,
    paidAgainOvertaken: 0,
    paidAgainCut: 0,
    failedAskedAgain: 0,
    leftBehind: 0,
  };
}

export function addFigures(sum, figures) {
  for (const [name, number] of Object.entries(figures)) sum[name] += number;
}

/**
 * Compares a story's end with its reference. `mostPaidAgain`: how many live calls may have been paid for twice;
 * `announced`: whether each batch must have been told of; `sharedAccount`: others ask there, too.
 */
export function compareStates(
  actual,
  expected,
  { provider, mostPaidAgain = 0, announced = true, sharedAccount = false },
) {
  const violations = [];
  const figures = newFigures();
  compareFolders(actual, expected, provider, violations, figures);
  comparePrompts(actual, expected, { mostPaidAgain, sharedAccount }, violations, figures);
  if (actual.batches !== expected.batches)
    violations.push(`${actual.batches} batches were created, not ${expected.batches}`);
  if (announced && actual.submitted.size !== expected.submitted.size)
    violations.push(
      `${actual.submitted.size} batches were told of with "Batch submitted.", not ${expected.submitted.size}`,
    );
  compareHomes(actual, expected, violations, figures);
  compareHistories(actual.history, expected.history, violations);
  return { violations, figures };
}

function compareFolders(actual, expected, provider, violations, figures) {
  const output = outputName(provider);
  figures.rowsLost = countLostLines(actual.folder[output], expected.folder[output]);
  for (const [name, content] of Object.entries(expected.folder)) {
    if (actual.folder[name] === content) continue;
    const how = actual.folder[name] === undefined ? 'is missing' : 'differs from that of an undisturbed run';
    violations.push(`${name} ${how}`);
  }
  const more = Object.keys(actual.folder).filter((name) => !(name in expected.folder));
  figures.leftBehind += more.length;
  if (more.length > 0) violations.push(`left next to the output: ${more.join(', ')}`);
}

function countLostLines(actual, expected) {
  if (expected === undefined) return 0;
  const lines = new Set((actual ?? '').split('\n'));
  return expected.split('\n').filter((line) => !lines.has(line)).length;
}

function comparePrompts(actual, expected, { mostPaidAgain, sharedAccount }, violations, figures) {
  const none = { live: 0, batch: 0 };
  const others = sharedAccount ? [] : Object.keys(actual.prompts);
  for (const hash of new Set([...Object.keys(expected.prompts), ...others])) {
    const { live, batch } = actual.prompts[hash] ?? none;
    const wanted = expected.prompts[hash] ?? none;
    figures.askedTwice += Math.max(0, batch - wanted.batch);
    if (batch < wanted.batch)
      violations.push(`a prompt was asked ${batch} times in batches, not ${wanted.batch}`);
    if (live < wanted.live) violations.push(`a prompt was asked ${live} times live, not ${wanted.live}`);
    if (hash === refusedHash) figures.failedAskedAgain += Math.max(0, live - wanted.live);
    else figures.paidAgain += Math.max(0, live - wanted.live);
  }
  figures.paidAgainCut = Math.min(figures.paidAgain, actual.cutAnswers);
  figures.paidAgain -= figures.paidAgainCut;
  if (figures.askedTwice > 0) violations.push(`${figures.askedTwice} rows were asked twice in batches`);
  if (figures.paidAgain > mostPaidAgain)
    violations.push(`${figures.paidAgain} live calls were paid for again, and ${mostPaidAgain} may be`);
}

function compareHomes(actual, expected, violations, figures) {
  const rest = [...expected.home];
  const more = actual.home.filter((name) => {
    const at = rest.indexOf(name);
    if (at !== -1) rest.splice(at, 1);
    return at === -1;
  });
  figures.leftBehind += more.length;
  if (more.length > 0) violations.push(`left behind in the home: ${more.join(', ')}`);
  if (rest.length > 0) violations.push(`missing in the home: ${rest.join(', ')}`);
}

/** A live run that is stopped between its output and the history leaves none: the same run finds its output there. */
function compareHistories(actual, expected, violations) {
  const mayBeMissing = expected?.includes('"live"') && actual === undefined;
  if (actual !== expected && !mayBeMissing)
    violations.push(`the history of the output is ${actual}, not ${expected}`);
}

/** What no story may do, whatever happens in it. */
export async function checkHarm(world) {
  const { wrongRows, touched, leaks } = await world.findHarm();
  const violations = [];
  if (wrongRows.length > 0)
    violations.push(`rows with the answer of another prompt: ${wrongRows.join(', ')}`);
  if (touched.length > 0) violations.push(`files of others that are gone or changed: ${touched.join(', ')}`);
  if (leaks.length > 0) violations.push(`files with the key in them: ${leaks.join(', ')}`);
  const figures = { ...newFigures(), wrongRows: wrongRows.length, foreignTouched: touched.length };
  return { violations, figures };
}

/** What must hold of every single command, whatever was done to it. */
export function checkCommands(world) {
  const violations = [];
  for (const { args, ended } of world.log) {
    if (!ended) continue;
    const command = `loom ${args[0]}`;
    if (ended.hung) violations.push(`${command} did not end`);
    if (/^ {4}at /m.test(ended.stderr)) violations.push(`${command} ended with a stack trace`);
    if (/not foreseen/.test(ended.stderr))
      violations.push(`${command} met an error without words of its own`);
    if (/undefined|\[object /.test(ended.stderr)) violations.push(`${command} says "undefined" to people`);
    if (ended.stdout.includes(world.key) || ended.stderr.includes(world.key))
      violations.push(`${command} shows the key`);
  }
  return violations;
}

/** Batches at the provider that neither a message nor a file of the home names. */
export async function findUnnamedBatches(world, vendor) {
  const texts = [world.said];
  for (const name of await world.listHome()) {
    if (name.startsWith('batches/') || name.startsWith('jobs/')) {
      texts.push(await readFile(world.statePath(name), 'utf8').catch(() => ''));
    }
  }
  const all = texts.join('\n');
  return (await world.batchIds(vendor)).filter((id) => !all.includes(id));
}
