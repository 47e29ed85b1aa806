/**
 * Stories of a job that nobody wants any more: it is cancelled or forgotten, and that command is stopped in the
 * middle. The job has parts of each kind: two batches, one whose creation was cut off, and one that was never sent.
 */
import { readFile } from 'node:fs/promises';
import { hashOf, newFigures } from './checks.mjs';
import { atCreation } from './stop.mjs';
import { fetchUntilDone, makeRows, outputName, refusedPrompt, runArgs, writeInput } from './stories.mjs';

const mostTries = 8;
/** A batch is still running when it is cancelled, and has then ended a moment later. */
const turnaroundMs = 4_000;

const runOfFourParts = (provider) => runArgs(provider, '--batch-size', '4');
/** A run that is killed when its third part is at the provider and no record says so; gives the job's id. */
export async function leaveMixedJob(world, provider) {
  await writeInput(world, provider);
  await world.loom(runOfFourParts(provider), { stop: atCreation('after', 3) });
  // That stop is a step of the story, and not what is tried.
  world.traces.pop();
  const name = (await world.listState('jobs')).find((file) => file.startsWith('job_'));
  return name.replace('.json', '');
}

export function cancelScenario(provider) {
  const targets = new WeakMap();
  const command = (world) => ['cancel', '--id', targets.get(world), '--yes'];
  return {
    name: `${provider} cancel`,
    provider,
    mode: 'ending',
    turnaroundMs,
    async prepare(world) {
      targets.set(world, await leaveMixedJob(world, provider));
    },
    command,
    finish: (world, ended, recovery) =>
      finishCancel(world, ended, { provider, id: targets.get(world), recovery }),
    judge: (world) => judgeCancel(world, provider),
  };
}

/** The cancel again until it ends well; then the answers that there are. `recovery` fetch: one comes in between. */
export async function finishCancel(world, ended, { provider, id, recovery }) {
  let last = ended;
  if (recovery === 'fetch') await world.loom(['fetch']);
  for (let turn = 0; turn < mostTries && last.code !== 0; turn += 1) {
    last = await world.loom(['cancel', '--id', id, '--yes']);
    // All of it is written: there is nothing to cancel.
    if (/no stored batch/.test(last.stderr)) break;
  }
  const created = await countRows(world, provider);
  await fetchUntilDone(world);
  await world.loom(['fetch', '--id', id, '--partial']);
  if ((await countRows(world, provider)) > created) throw new Error('something was sent after the cancel');
}

/** Nothing runs, nothing is lost, nothing was asked twice. */
export async function judgeCancel(world, provider) {
  const violations = [];
  const figures = newFigures();
  const running = await listRunning(world, provider);
  if (running.length > 0) violations.push(`still running at the provider: ${running.join(', ')}`);
  const { prompts } = await world.statistics();
  const output = (await world.read(outputName(provider))) ?? '';
  for (const prompt of new Set(makeRows())) {
    const { batch } = prompts[hashOf(prompt)] ?? { batch: 0 };
    figures.askedTwice += Math.max(0, batch - 1);
    const [firstLine] = prompt.split('\n');
    const quote = /^[[{]/.test(output) ? '\\"' : '""';
    const answer = `Sandbox answer from faults-1: ${firstLine}`.replaceAll('"', quote);
    if (batch > 0 && prompt !== refusedPrompt && !output.includes(answer)) figures.rowsLost += 1;
  }
  if (figures.askedTwice > 0) violations.push(`${figures.askedTwice} rows were asked twice in batches`);
  if (figures.rowsLost > 0) violations.push(`${figures.rowsLost} answers were given and not written`);
  const names = await world.listHome();
  const left = names.filter((name) => /^(results|requests)\//.test(name) || name.endsWith('.tmp'));
  figures.leftBehind += left.length;
  if (left.length > 0) violations.push(`left behind in the home: ${left.join(', ')}`);
  return { violations, figures };
}

/** Ids of the batches that a vendor has not ended, and is not asked to end. */
async function listRunning(world, vendor) {
  const batches = await Promise.all((await world.batchIds(vendor)).map((id) => world.readBatch(vendor, id)));
  const isOver = (batch) => batch.cancel !== undefined || Date.now() >= batch.createdAt + batch.turnaroundMs;
  return batches.filter((batch) => !isOver(batch)).map(({ id }) => id);
}

/** So many requests are in batches of a vendor. */
export async function countRows(world, vendor) {
  const batches = await Promise.all((await world.batchIds(vendor)).map((id) => world.readBatch(vendor, id)));
  return batches.reduce((sum, { requests }) => sum + requests, 0);
}

/** The job is forgotten, and another one next to it is not. */
export function forgetScenario(provider) {
  const plots = new WeakMap();
  return {
    name: `${provider} forget`,
    provider,
    mode: 'ending',
    prepare: async (world) => plots.set(world, await leaveTwoJobs(world, provider)),
    command: (world) => ['forget', '--id', plots.get(world).id, '--yes'],
    finish: (world, ended, recovery) => finishForget(world, ended, plots.get(world), recovery),
    judge: (world) => judgeForget(world, provider, plots.get(world)),
  };
}

const otherPrompts = makeRows().map((prompt) => prompt && `${prompt} (of another job)`);
const otherName = (name) => name.replace('rows', 'other');

/** The job of mixed parts, and another; gives what a forget of the first is judged by. */
export async function leaveTwoJobs(world, provider) {
  const id = await leaveMixedJob(world, provider);
  const write = (name, content) => world.write(otherName(name), content);
  await writeInput({ write }, provider, otherPrompts);
  const { stdout } = await world.loom(runArgs(provider).map(otherName));
  const [, otherId] = /^Batch submitted\. id=(\S+)/m.exec(stdout);
  const rows = await countRows(world, provider);
  return { id, otherId, rows, files: await readJobFiles(world, id) };
}

/** What the home holds of a job, by file; locks are no part of it. */
async function readJobFiles(world, id) {
  const files = {};
  for (const name of await world.listHome()) {
    if (/^locks\/|\.tmp$/.test(name)) continue;
    const text = await readFile(world.statePath(name), 'utf8');
    if (name.includes(id) || text.includes(id)) files[name] = text;
  }
  return files;
}

/**
 * The forget again until it ends well. `recovery` fetch: one comes in between, unless the job is untouched: then it
 * would be an order to go on with it.
 */
export async function finishForget(world, ended, { id, otherId, files }, recovery) {
  const untouched = JSON.stringify(await readJobFiles(world, id)) === JSON.stringify(files);
  if (recovery === 'fetch' && !untouched) await fetchUntilDone(world);
  let last = ended;
  for (let turn = 0; turn < mostTries && last.code !== 0; turn += 1) {
    last = await world.loom(['forget', '--id', id, '--yes']);
    if (/no stored batch/.test(last.stderr)) break;
  }
  await world.loom(['fetch', '--id', otherId]);
  await fetchUntilDone(world);
}

export async function judgeForget(world, provider, { id, rows }) {
  const violations = [];
  const figures = newFigures();
  const left = [
    ...(await world.listHome()).filter((name) => !name.startsWith('cache/')),
    ...((await world.exists(outputName(provider))) ? [outputName(provider)] : []),
  ];
  figures.leftBehind += left.length;
  if (left.length > 0) violations.push(`left of ${id} or of the other job: ${left.join(', ')}`);
  const more = (await countRows(world, provider)) - rows;
  if (more > 0) violations.push(`${more} rows were sent after the forget`);
  const output = (await world.read(otherName(outputName(provider)))) ?? '';
  const answered = new Set(otherPrompts).size - 2;
  const answers = new Set(output.match(/Sandbox answer from faults-1: [^\n"]*/g) ?? []).size;
  figures.rowsLost += Math.max(0, answered - answers);
  if (answers !== answered) violations.push(`the other job has ${answers} answers, not ${answered}`);
  return { violations, figures };
}
