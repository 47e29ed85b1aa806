/** `loom cancel`: what runs is ended at the provider, what was not sent never is, and what was answered is kept. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { cancelBatch, cancelDocumentSchema } from '../../../src/index.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { openDoubt, otherOrder } from '../worlds/doubt.ts';
import { refusal } from '../worlds/http-server.ts';
import { answerLine, type DoubleBatch, usualAnswer } from '../worlds/openai-double.ts';
import { lastBatch, output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { createSandboxWorld, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const { world } = useOpenAiWorld();

beforeEach(async () => {
  world.environment.TERM = 'xterm';
});

const nextSteps = (id: string) =>
  `The provider ends what is under way, which may take it some minutes. Then loom fetch --id ${id} tells what was answered, and with --partial writes it.\n`;

interface Job {
  readonly job_id: string;
  readonly parts: object[];
}

/** The address of the cancels that were asked for. */
const takeCancels = () => world.takeRequests().filter((request) => request.endsWith('/cancel'));

/** A job of three rows in three parts, of which the provider's queue takes so many. */
async function submitParts(taken: number): Promise<string> {
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,Again\n');
  return world.submitParts(taken);
}

test('cancels a batch, and a fetch keeps what it had answered', async () => {
  const id = await world.submitAs('in_progress');
  world.takeRequests();
  expect(await world.loom('cancel', '--id', id, '--yes')).toEqual({
    code: 0,
    stdout: `Cancel requested. id=${id} status=in_progress\n`,
    stderr: nextSteps(id),
  });
  expect(takeCancels()).toEqual([`POST /v1/batches/${id}/cancel`]);
  const batch = lastBatch(world.openai);
  expect(batch.status).toBe('cancelling');
  expect(await world.readRecord(id)).toMatchObject({ status: 'in_progress' });

  batch.status = 'cancelled';
  batch.output = `${answerLine(batch.lines[0]?.custom_id ?? '', 'Done in time')}\n`;
  const fetched = await world.loom('fetch');
  expect(fetched.code).toBe(1);
  expect(fetched.stdout).toContain(`id=${id} status=cancelled`);
  expect(fetched.stderr).toContain('1 answer is kept.');
  await world.loom('fetch', '--id', id, '--partial');
  expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,Done in time\n2,World,\n');
});

test('may be given again, also once the batch is over', async () => {
  const id = await world.submitAs('in_progress');
  await world.loom('cancel', '-i', id, '-y');
  expect(await world.loom('cancel', '-i', id, '-y')).toMatchObject({
    code: 0,
    stdout: `Cancel requested. id=${id} status=in_progress\n`,
  });
  lastBatch(world.openai).status = 'completed';
  expect(await world.loom('cancel', '-i', id, '-y')).toEqual({
    code: 0,
    stdout: `Batch was over already. id=${id} status=completed\n`,
    stderr: '',
  });
  // That is for a fetch to note, which brings in the answers.
  expect(await world.readRecord(id)).toMatchObject({ status: 'in_progress' });
  expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
});

test('a batch that is known to be over needs neither a question nor a key', async () => {
  const id = await world.submitAs('failed');
  await world.loom('fetch');
  world.takeRequests();
  delete world.environment.OPENAI_API_KEY;
  expect(await world.loom('cancel', '--id', id)).toEqual({
    code: 0,
    stdout: `Batch was over already. id=${id} status=failed\n`,
    stderr: '',
  });
  expect(world.takeRequests()).toEqual([]);
});

test('cancels every part of a job, and drops what was not sent', async () => {
  const jobId = await submitParts(2);
  const cancelled = await world.loom('cancel', '--id', 'batch_002', '--yes');
  expect(cancelled).toEqual({
    code: 0,
    stdout: [
      `Part dropped. id=${jobId}/3\n`,
      'Cancel requested. id=batch_001 status=in_progress\n',
      'Cancel requested. id=batch_002 status=in_progress\n',
    ].join(''),
    stderr: nextSteps(jobId),
  });
  expect(takeCancels()).toEqual(['POST /v1/batches/batch_001/cancel', 'POST /v1/batches/batch_002/cancel']);
  expect((await world.loom('list')).stdout).toMatch(
    new RegExp(`^- +openai +m +cancelled +.* ${jobId} 3/3$`, 'm'),
  );

  const [first, second] = world.openai.batches;
  Object.assign(first ?? {}, { status: 'completed' });
  Object.assign(second ?? {}, { status: 'cancelled', output: undefined });
  world.takeRequests();
  expect((await world.loom('fetch')).stdout).toContain(`Job ${jobId}: 1 of 3 parts are in.`);
  expect(world.takeRequests().filter((request) => request.startsWith('POST'))).toEqual([]);
  expect((await world.loom('fetch')).stderr).toBe('No pending batches. See loom list.\n');
  expect((await world.loom('fetch', '--id', jobId, '--partial')).code).toBe(3);
  expect(await world.read(output)).toBe(
    `id,text,llm_response\n1,Hello,${usualAnswer('Hello')}\n2,World,\n3,Again,\n`,
  );
  expect((await world.listState()).filter((name) => !/^(cache|locks)/.test(name))).toEqual([]);
});

test('a job of which nothing was sent is forgotten, without a call', async () => {
  const jobId = await submitParts(0);
  delete world.environment.OPENAI_API_KEY;
  expect(await world.loom('cancel', '--id', jobId, '--yes')).toEqual({
    code: 0,
    stdout: [1, 2, 3].map((part) => `Part dropped. id=${jobId}/${part}\n`).join(''),
    stderr: 'Nothing of it was at the provider, and nothing is left of it here.\n',
  });
  expect(world.takeRequests()).toEqual([]);
  expect(await world.listState()).toEqual([]);
  expect((await world.run()).stdout).toContain('Batch submitted.');
});

test('a batch whose creation was cut off is looked for, and cancelled', async () => {
  const jobId = await submitParts(3);
  await world.changeState<Job>('jobs', ({ parts }) =>
    Object.assign(parts[1] ?? {}, { state: 'submitting', batch_id: undefined }),
  );
  const cancelled = await world.loom('cancel', '--id', jobId, '--yes');
  expect(cancelled.code).toBe(0);
  expect(takeCancels().sort()).toEqual([1, 2, 3].map((part) => `POST /v1/batches/batch_00${part}/cancel`));
});

describe('a batch that the provider gives back as its queue is full', () => {
  const giveBack = (batch: DoubleBatch | undefined) =>
    Object.assign(batch ?? {}, {
      status: 'failed',
      errors: [{ code: 'token_limit_exceeded', message: 'Enqueued token limit reached.' }],
    });
  const takeSubmissions = () => world.takeRequests().filter((request) => request.startsWith('POST'));

  test('before the cancel is dropped, and no fetch sends it again', async () => {
    const jobId = await submitParts(3);
    giveBack(world.openai.batches[1]);
    expect(await world.loom('cancel', '--id', jobId, '--yes')).toEqual({
      code: 0,
      stdout: [
        'Cancel requested. id=batch_001 status=in_progress\n',
        `Part dropped. id=${jobId}/2\n`,
        'Cancel requested. id=batch_003 status=in_progress\n',
      ].join(''),
      stderr: nextSteps(jobId),
    });
    world.takeRequests();
    for (let fetches = 0; fetches < 2; fetches += 1) await world.loom('fetch');
    expect(takeSubmissions()).toEqual([]);
  });

  test('after the cancel is told as cancelled, and the fetch writes the others', async () => {
    const jobId = await submitParts(2);
    await world.loom('cancel', '--id', jobId, '--yes');
    const [first, second] = world.openai.batches;
    Object.assign(first ?? {}, { status: 'completed' });
    giveBack(second);
    world.takeRequests();
    const fetched = await world.loom('fetch', '--id', jobId, '--partial');
    expect(fetched.stdout).toContain('Checking the loom... id=batch_002 status=cancelled\n');
    expect(await world.read(output)).toBe(
      `id,text,llm_response\n1,Hello,${usualAnswer('Hello')}\n2,World,\n3,Again,\n`,
    );
    expect(takeSubmissions()).toEqual([]);
  });

  test('as the only one leaves nothing of the job', async () => {
    const id = await world.submitAs('failed');
    giveBack(lastBatch(world.openai));
    const ended = await world.loom('cancel', '--id', id, '--yes');
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Part dropped\. id=job_\w+\n$/) });
    expect(await world.listState()).toEqual([]);
  });
});

test.each([
  ['gone', (path: string) => rm(path)],
  ['damaged', (path: string) => writeFile(path, '{')],
])('a part whose record is %s is cancelled as well', async (_how, spoil) => {
  const jobId = await submitParts(3);
  await spoil(world.statePath('batches/openai_batch_002.json'));
  expect(await world.loom('cancel', '--id', 'batch_002', '--yes')).toEqual({
    code: 0,
    stdout: [1, 3, 2].map((part) => `Cancel requested. id=batch_00${part} status=in_progress\n`).join(''),
    stderr: nextSteps(jobId),
  });
  expect(world.openai.batches.map((batch) => batch.status)).toEqual(Array(3).fill('cancelling'));
});

describe('at a provider whose batches are found by their time and size', () => {
  const world = useWorld(() => createSandboxWorld({ turnaroundMs: 60_000 }));

  test("a batch that may be another's is left running", async () => {
    const { jobId, inOther } = await openDoubt(world);
    const theirs = submittedId(await inOther('run', ...otherOrder));
    const refused = `batch ${theirs}: it was not cancelled: its creation was cut off, it was found by its time and size alone, and it may be the batch of another command. Look at it on the dashboard of Anthropic, and cancel it there.`;
    for (const id of [jobId, theirs]) {
      const ended = { code: 1, stdout: '', stderr: `Error: ${refused}\n` };
      expect(await world.loom('cancel', '--id', id, '--yes')).toEqual(ended);
    }
    expect((await inOther('status', '--id', theirs)).stdout).toContain('at the provider in_progress');
  });
});

test('goes on with the others where the provider refuses one, and exits with 1', async () => {
  const jobId = await submitParts(3);
  world.openai.override = ({ path }) =>
    path === '/v1/batches/batch_002/cancel' ? refusal(403, 'Not yours.', { code: 'forbidden' }) : undefined;
  const ended = await world.loom('cancel', '--id', jobId, '--yes', '--output-format', 'json');
  expect(ended.code).toBe(1);
  const document = JSON.parse(ended.stdout);
  expect(cancelDocumentSchema.parse(document)).toEqual(document);
  expect(document).toEqual({
    command: 'cancel',
    exit_code: 1,
    error: null,
    id: jobId,
    cancelled: ['batch_001', 'batch_003'],
    over: [],
    dropped: [],
    errors: [{ id: 'batch_002', kind: 'provider', code: null, message: 'OpenAI: Not yours.', hint: null }],
  });
  expect(ended.stderr).toContain('Error: batch batch_002: OpenAI: Not yours.\n');
});

test('a refused key stops it at the first batch', async () => {
  const jobId = await submitParts(2);
  world.openai.override = () => refusal(401, 'Incorrect API key.', { code: 'invalid_api_key' });
  const ended = await world.loom('cancel', '--id', jobId, '--yes');
  expect(ended).toMatchObject({ code: 1 });
  expect(ended.stderr).toContain('Error: OpenAI: Incorrect API key. Check OPENAI_API_KEY or --api-key.\n');
  expect(takeCancels()).toHaveLength(1);
});

describe('who asks for less than it takes', () => {
  test('without a terminal is told to pass --yes, and nothing is cancelled', async () => {
    const id = await world.submitAs('in_progress');
    world.takeRequests();
    expect(await world.loom('cancel', '--id', id)).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: batch ${id} (openai, m) was not cancelled: there is no terminal to ask on. Pass --yes to cancel it.\n`,
    });
    expect(world.takeRequests()).toEqual([]);
  });

  test('without a key drops nothing either', async () => {
    const jobId = await submitParts(2);
    // A server on this machine needs none.
    delete world.environment.OPENAI_BASE_URL;
    delete world.environment.OPENAI_API_KEY;
    const ended = await world.loom('cancel', '--id', jobId, '--yes');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^Error: no API key for OpenAI\./);
    expect((await world.loom('list')).stdout).toMatch(/^- +openai +m +queued /m);
  });

  test.each([
    [['--id', 'batch_nowhere'], 1, 'no stored batch found for id=batch_nowhere. See loom list'],
    [[], 2, "required option '-i, --id <id>' not specified"],
  ])('%j', async (flags, code, message) => {
    const ended = await world.loom('cancel', ...flags);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

test('the library cancels as well', async () => {
  const jobId = await submitParts(2);
  const [batch] = world.openai.batches;
  const told: string[] = [];
  const summary = await cancelBatch({
    id: batch?.id ?? '',
    home: join(world.home, '.loom'),
    apiKey: 'a-key-for-openai',
    baseUrl: world.openai.url,
    onEvent: (event) => event.type === 'cancelled' && void told.push(event.batch.batch_id),
  });
  expect(summary).toEqual({
    cancelled: ['batch_001', 'batch_002'],
    over: [],
    dropped: [`${jobId}/3`],
    errors: [],
    isForgotten: false,
  });
  expect(told).toEqual(['batch_001', 'batch_002']);
});

describe('at a terminal', () => {
  test.each([
    ['n', 'in_progress'],
    ['y', 'cancelling'],
  ])('asks first; %s leaves it %s', async (typed, status) => {
    const id = await world.submitAs('in_progress');
    const shown = await atTerminalHere(world, ['cancel', '--id', id], { typed: `${typed}\r` });
    expect(shown.text).toContain(
      `Cancel batch ${id} (openai, m)? What is answered by then is kept, and\n  paid for. [y/N] `,
    );
    expect(shown.code).toBe(0);
    expect(lastBatch(world.openai).status).toBe(status);
  });

  test('names the parts of a job', async () => {
    const jobId = await submitParts(2);
    const shown = await atTerminalHere(world, ['cancel', '--id', jobId], { typed: 'n\r' });
    expect(shown.sentences).toContain(
      `Cancel job ${jobId} (openai, m: 2 batches, and 1 part that was not sent)? `,
    );
    expect(world.takeRequests()).toEqual([]);
  });
});
