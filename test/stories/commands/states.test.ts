/** Every state that a command can leave is told as what it is, and has a way out. */
import { describe, expect, test } from 'vitest';
import type { JobRecord } from '../../../src/state/jobs.ts';
import { lastBatch, output, useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

/** Changes the job as an older copy of its file, or a killed run, may have it. */
const changeJob = (change: (job: JobRecord) => unknown) => world.changeState('jobs', change);

/** The second part's batch may be at the provider, as a run leaves it that is killed while it creates it. */
async function leaveInDoubt(): Promise<string> {
  const id = await world.submitParts(1, '--no-cache');
  await changeJob(({ parts }) => {
    const [, part] = parts;
    if (part) Object.assign(part, { state: 'submitting', submitting_since: new Date(0).toISOString() });
    delete part?.queue;
  });
  return id;
}

describe('a part whose creation was cut off', () => {
  const words =
    'Its creation was cut off: the provider may have it. The next loom fetch looks for it, and settles that.';

  test('is told so by list and status; scripts find it among those that are queued', async () => {
    const id = await leaveInDoubt();
    expect((await world.loom('list')).stdout).toMatch(/^- +openai +m +queued +/m);
    const { batches } = JSON.parse((await world.loom('list', '--output-format', 'json')).stdout);
    expect(batches[1]).toMatchObject({ status: 'queued', last_error: words });
    const { stdout } = await world.loom('status', '--id', id, '--offline');
    expect(stdout).toMatch(/^status +queued \(in doubt\)$/m);
    expect(stdout).toMatch(new RegExp(`^error +${words}$`, 'm'));
  });

  test('is settled by the next fetch, which submits it where the provider does not have it', async () => {
    const id = await leaveInDoubt();
    const { stdout } = await world.loom('fetch');
    expect(stdout).toContain('Batch submitted. id=batch_002 provider=openai\n');
    for (const batch of world.openai.batches) batch.status = 'completed';
    expect((await world.loom('fetch')).stdout).toContain(world.completion(id));
  });

  test('is no part that was not sent, to a cancel, which looks for it first', async () => {
    const id = await leaveInDoubt();
    const asked = await world.loom('cancel', '--id', id);
    expect(asked.stderr).toBe(
      `Error: job ${id} (openai, m: 1 batch, and 1 part that may have been sent) was not cancelled: there is no terminal to ask on. Pass --yes to cancel it.\n`,
    );
    const { code, stdout } = await world.loom('cancel', '--id', id, '--yes');
    expect(code).toBe(0);
    expect(stdout).toContain(`Part dropped. id=${id}/2\n`);
    expect(world.openai.batches.map(({ status }) => status)).toEqual(['cancelling']);
  });
});

test('a cancel ends a batch whose record is there, of which an old copy of its job does not know', async () => {
  const id = await world.submitParts(2, '--no-cache');
  await changeJob(({ parts }) => {
    const [, part] = parts;
    Object.assign(part ?? {}, { state: 'planned' });
    delete part?.batch_id;
  });
  const { code, stdout } = await world.loom('cancel', '--id', id, '--yes');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      'Cancel requested. id=batch_001 status=in_progress\nCancel requested. id=batch_002 status=in_progress\n',
  });
  expect(world.openai.batches.map(({ status }) => status)).toEqual(['cancelling', 'cancelling']);
});

test('a part that was dropped leaves a job that --partial writes, and forget ends', async () => {
  const id = await world.submitParts(1, '--no-cache');
  lastBatch(world.openai).status = 'completed';
  await world.loom('cancel', '--id', id, '--yes');
  expect((await world.loom('fetch')).code).toBe(0);
  expect((await world.loom('fetch', '--id', id, '--partial')).code).toBe(3);
  expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,Answer to Hello\n2,World,\n');
  expect(await world.listState()).toEqual([]);
});
