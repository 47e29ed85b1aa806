/**
 * A server that speaks like OpenAI with an accent is understood: each accent by itself, and each together with each other,
 * from the upload of a request file to its answers.
 */
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProviderError } from '../../../src/core/errors.ts';
import { guardEntry } from '../../../src/providers/guard.ts';
import { openEntry } from '../../../src/providers/openai/entry.ts';
import type { Profile } from '../../../src/providers/openai/profile.ts';
import { profiles } from '../../../src/providers/openai/profiles.ts';
import type { BatchProvider, ProviderEntry, RequestFile } from '../../../src/providers/provider.ts';
import { collect, failureOf, never, openBatch, useServer } from '../conformance.ts';
import { type Accent, type AccentServer, created, openAccentServer, rowIds } from './accent-server.ts';
import { accents } from './accents.ts';
import { createElsewhere } from './elsewhere.ts';

const server = useServer();
/** Each at a path of its own. */
const servers = new Map<string, AccentServer>();
const path = join(tmpdir(), `loom-accents-${process.pid}.jsonl`);
const content = `${rowIds.map((custom_id) => JSON.stringify({ custom_id })).join('\n')}\n`;
const file: RequestFile = { path, bytes: Buffer.byteLength(content), requests: rowIds.length };

beforeAll(async () => {
  await writeFile(path, content);
  server().play(
    (arrived) => servers.get(arrived.path.split('/')[1] ?? '')?.answer(arrived) ?? { status: 500 },
  );
});
afterAll(() => rm(path, { force: true }));

const openAi = profiles[0] as Profile;

async function openAt(entry: ProviderEntry, spoken: readonly Accent[], timeoutMs?: number) {
  const name = `server-${servers.size}`;
  const own = openAccentServer(spoken);
  servers.set(name, own);
  return { own, provider: await openBatch({ entry, path: `/${name}/v1` }, server().url, timeoutMs) };
}

/** As the stories do it: again after a clear refusal that a later try may not meet. */
async function createBatch(
  provider: BatchProvider,
  fileId: string | undefined,
  tag: string,
): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await provider.create({ file, fileId }, { model: 'model-1', tag }, never);
    } catch (error) {
      const isPassing = error instanceof ProviderError && error.scope === 'retry' && error.status === 400;
      if (!isPassing || tries === 4) throw error;
    }
  }
}

/** What comes of two batches: one is fetched, the other cancelled. */
async function live(entry: ProviderEntry, spoken: readonly Accent[]) {
  const { own, provider } = await openAt(entry, spoken);
  const fileId = await provider.upload?.(file, never);
  const id = await createBatch(provider, fileId, 'job-1-0');
  const running = await provider.check(id, never);
  const early = (await failureOf(collect(provider.results(id, never)))) as ProviderError;
  const second = await createBatch(provider, await provider.upload?.(file, never), 'job-1-1');
  const found = await provider
    .find?.({ tag: 'job-1-0', fileId }, never)
    .catch((error: ProviderError) => error.message);
  const cancelled = await provider.cancel?.(second, never);
  own.complete(id);
  const done = await provider.check(id, never);
  const rows = await collect(provider.results(id, never));
  const afterEnd = await provider.cancel?.(id, never);
  return {
    ...{ fileId, id, running: running.status, early: early.code, second, found, made: own.countBatches() },
    ...{ cancelled: cancelled?.status, done, rows, afterEnd: afterEnd?.status },
    isCancelled: provider.cancel !== undefined,
  };
}

const answered = (customId?: string) => ({
  customId,
  outcome: 'succeeded',
  text: `Answer to ${customId}`,
  finishReason: 'stop',
  usage: { inputTokens: 5, outputTokens: 2 },
});
const timeOf = (seconds: number) => new Date((created + seconds) * 1000);
const times = { created: timeOf(0), started: timeOf(60), ended: timeOf(120), expires: timeOf(86_400) };
const untold = "The provider's list of batches does not say of each what it was made of.";

async function expectUnderstood({ batches, ...profile }: Profile, spoken: readonly Accent[]): Promise<void> {
  const keepsTag = batches?.tagField !== undefined;
  // Together's way to upload has tests of its own.
  const entry = guardEntry(
    openEntry({ ...profile, ...(batches && { batches: { ...batches, upload: 'form' } }) }),
  );
  const hidden = new Set(spoken.map(({ hides }) => hides));
  const isUnknown = hidden.has('file') && (hidden.has('tag') || !keepsTag);
  const life = await live(entry, spoken);
  expect(life, spoken.map(({ name }) => name).join(' + ')).toMatchObject({
    ...{ fileId: 'file-1', id: 'batch_1', second: 'batch_2', made: 2 },
    ...{ running: expect.stringMatching(/^(?:in_progress|validating)$/), early: 'not_over' },
    found: isUnknown ? untold : 'batch_1',
    ...(life.isCancelled && { cancelled: 'cancelled', afterEnd: 'completed' }),
    done: {
      ...{ batchId: 'batch_1', status: 'completed', queueFull: false, error: undefined },
      times: hidden.has('times')
        ? {}
        : { ...times, ...(batches?.expires === false && { expires: undefined }) },
      counts: hidden.has('counts') ? undefined : { total: 3, succeeded: 2, failed: 1 },
    },
    rows: [
      answered(rowIds[0]),
      answered(rowIds[1]),
      {
        ...{ customId: rowIds[2], outcome: 'failed' },
        error: {
          kind: expect.stringMatching(/^(?:rate_limit_exceeded|request_failed|http_429)$/),
          message: 'Slow down.',
        },
      },
    ],
  });
}

describe('an accent is understood:', () => {
  it.each(accents)('$name', (accent) => expectUnderstood(openAi, [accent]));

  it('each of them by one that keeps no tag and looks uploads through', async () => {
    const elsewhere = createElsewhere({ waitsForFile: true, cancels: true, repeatField: undefined });
    await Promise.all(accents.map((accent) => expectUnderstood(elsewhere, [accent])));
  });

  // They share the adapter: some are tried at each, and all of them at all together.
  it.each(profiles.filter(({ batches }) => batches))('some of them by $title', async (profile) => {
    const rest = profiles.indexOf(profile) % 5;
    const some = accents.filter((_, place) => place % 5 === rest);
    await Promise.all(some.map((accent) => expectUnderstood(profile, [accent])));
  });
});

describe('two accents at once are understood:', () => {
  const [last] = accents.slice(-1);
  it.each(accents.filter((accent) => accent !== last))('$name, with each other', async (accent) => {
    const others = accents.slice(accents.indexOf(accent) + 1);
    await Promise.all(others.map((other) => expectUnderstood(openAi, [accent, other])));
  });
});
