/** In what order the answers of a live run come to the disk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBackgroundCache } from '../../../src/cache/background-cache.ts';
import { openCache } from '../../../src/cache/cache.ts';
import { digestContent, plainContent } from '../../../src/core/request/content.ts';
import { openAnswerCheck } from '../../../src/orchestrator/answers/answer-check.ts';
import { createCustomId } from '../../../src/orchestrator/dataset/custom-ids.ts';
import { describeDataset } from '../../../src/orchestrator/dataset/dataset.ts';
import { openRunJournals } from '../../../src/orchestrator/journals/run-journals.ts';
import { listKeptJournals } from '../../../src/orchestrator/journals/run-names.ts';
import { answerRows } from '../../../src/orchestrator/live/answer-rows.ts';
import { RunMeter } from '../../../src/orchestrator/usage/leave-history.ts';
import { type LoomHome, loomHome } from '../../../src/storage/home.ts';

let folder: string;
let home: LoomHome;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-order-'));
  mkdirSync(join(folder, 'results'));
  writeFileSync(join(folder, 'data.csv'), 'text\nHello\n');
  home = loomHome({ variables: { LOOM_HOME: folder }, workingFolder: folder });
});
afterEach(() => rmSync(folder, { recursive: true }));

type Run = Parameters<typeof answerRows>[0];

/** A run over one row, without what a test is about. */
function describeRun(more: Pick<Run['order'], 'useCache' | 'settings' | 'retryMisfits'>) {
  const dataset = describeDataset(join(folder, 'data.csv'), { column: 'text' });
  const order: Run['order'] = {
    ...{ dataset, provider: 'openai', model: 'm', server: 'http://127.0.0.1:9' },
    ...{ outputPath: join(folder, 'out.csv'), placing: 'new', workers: 1, columns: { groups: [] } },
    ...more,
  };
  return {
    ...{ home, order, signal: new AbortController().signal, onEvent: () => {}, meter: new RunMeter() },
    progress: { done: 0, total: 1, cacheHits: 0, errors: 0 },
  };
}

test('an answer is in the cache before it is in the journal: a kill in between leaves what the next run finds', async () => {
  const journals = await openRunJournals(home, `live_${'a'.repeat(24)}`, []);
  const wasInJournal: boolean[] = [];
  await answerRows({
    ...describeRun({ useCache: true }),
    provider: {
      generate: async ({ customId }) => ({ customId, outcome: 'succeeded', text: 'Hi' }),
      listModels: async () => [],
    },
    checkAnswer: (result) => result,
    journals,
    cache: {
      getAll: async () => [],
      add: () => {},
      seal: async () => {},
      replace: async () => {},
      settleLive: async () => {},
      expectLive: () => {},
      openLookUps: () => openCache(home.cache, 'openai', 'm'),
      async setAll() {
        await setImmediate();
        wasInJournal.push(!journals.journal.isEmpty);
      },
      close: async () => {},
    },
  });
  expect(wasInJournal).toEqual([false]);
  expect(journals.journal.isEmpty).toBe(false);
  await journals.close();
});

test('what the cache has in the place of an answer that an earlier try kept is the answer of the row', async () => {
  const digest = digestContent(plainContent('Hello'));
  const row = { slot: 0, digest, customId: createCustomId(0, digest) };
  const runName = `live_${'a'.repeat(24)}`;
  const killed = await openRunJournals(home, runName, []);
  await killed.keep();
  await killed.journal.add(row, { customId: row.customId, outcome: 'succeeded', text: 'misfit' });
  const cache = openBackgroundCache(home.cache, 'openai', 'm');
  await cache.setAll([['Hello', { text: 'mended' }]]);

  const journals = await openRunJournals(home, runName, await listKeptJournals(home, runName));
  await answerRows({
    ...describeRun({ useCache: true }),
    provider: {
      generate: async () => {
        throw new Error('No call is made.');
      },
      listModels: async () => [],
    },
    checkAnswer: (result) => result,
    ...{ journals, cache },
  });
  await journals.journal.flush();
  expect(journals.journal.get(row)).toMatchObject({ text: 'mended' });
  for (const open of [cache, journals, killed]) await open.close();
});

test('an answer that is cut off the second time does not count as one that fits, and the whole one before it stays', async () => {
  const journals = await openRunJournals(home, `live_${'a'.repeat(24)}`, []);
  const settings = { schema: { type: 'object', required: ['a'] } };
  const told: boolean[] = [];
  const answers = [{ text: 'no JSON' }, { text: '{"a": "b', finishReason: 'length' }];
  await answerRows({
    ...describeRun({ useCache: false, settings, retryMisfits: 1 }),
    provider: {
      generate: async ({ customId }) => ({
        ...{ customId, outcome: 'succeeded', text: '' },
        ...answers.shift(),
      }),
      listModels: async () => [],
    },
    checkAnswer: await openAnswerCheck(settings),
    ...{ journals, cache: undefined },
    onEvent: (event) => event.type === 'asked_again' && told.push(event.fits),
  });
  expect([told, answers]).toEqual([[false], []]);
  await journals.journal.flush();
  const kept = journals.journal.get({
    slot: 0,
    customId: '',
    digest: digestContent(plainContent('Hello')),
  });
  expect(kept).toMatchObject({ text: 'no JSON' });
  await journals.close();
});
