/** The story of a run that sends nothing: what it would send, and what its input would cost. */

import { openCache } from '../../cache/cache.ts';
import type { AskedContent } from '../../core/parts.ts';
import { contentOf, contentText, digestContent, fillRequest } from '../../core/request/content.ts';
import type { BatchLimits, BatchProvider } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import { checkSettings } from '../../providers/settings.ts';
import type { LoomHome } from '../../storage/home.ts';
import { openAnswerCheck } from '../answers/answer-check.ts';
import { PartCutter } from '../batch/parts/part-cutter.ts';
import { describeServer } from '../calls/answer-server.ts';
import { createCustomId } from '../dataset/custom-ids.ts';
import { drawRows, readDataset } from '../dataset/dataset.ts';
import { PromptIndex } from '../dataset/first-rows.ts';
import { KeptAnswers } from '../journals/kept-answers.ts';
import { leaveOutSpent } from '../journals/run-journals.ts';
import { listUncachedJournals } from '../journals/run-names.ts';
import type { DrawnOrder, RunOrder } from '../orders/run-order.ts';
import { UsageTally } from '../usage/usage-tally.ts';
import { type AnswerLengths, AnswerSample } from './answer-sample.ts';
import { openRequestCounter } from './request-tokens.ts';

/** How requests would be cut into batches. */
export interface BatchCut {
  readonly provider: Pick<BatchProvider, 'encode' | 'framing'>;
  readonly limits: BatchLimits;
}

export interface RunEstimate {
  readonly rows: number;
  readonly blankRows: number;
  /** Rows whose answer is in the cache. */
  readonly cachedRows: number;
  /** Rows that a live run without the cache was answered before it was cut off. */
  readonly keptRows: number;
  /** Rows that share the answer of an earlier one with the same prompt. */
  readonly equalRows: number;
  /** Rows that no batch can hold. */
  readonly tooLargeRows: number;
  readonly requests: number;
  /** undefined for a live run. */
  readonly batches: number | undefined;
  /** The input of the requests, counted on this machine. */
  readonly usage: UsageTally;
  /** How long their answers will be, by those that are in the cache; undefined where none is. */
  readonly lengths: AnswerLengths | undefined;
  /** The name of the encoding that counted. */
  readonly encoding: string;
}

/** Reads and checks the whole input. Sends nothing, writes nothing, needs no key. */
export async function estimateRun(
  home: LoomHome,
  order: RunOrder,
  cut: BatchCut | undefined,
  signal: AbortSignal,
): Promise<RunEstimate> {
  const { model, settings } = order;
  checkSettings(providerEntry(order.provider), settings);
  await openAnswerCheck(settings);
  const dataset = await drawRows(order.dataset, signal);
  const counter = await openRequestCounter(order);
  const server = describeServer(order.provider, order.server);
  const cache = order.useCache
    ? openCache(home.cache, order.provider, model, settings, server, { isSnapshot: true })
    : undefined;
  const cutter = cut && new PartCutter(cut.provider.framing, cut.limits);
  const prompts = new PromptIndex();
  const usage = new UsageTally();
  const sample = new AnswerSample(counter.countText);
  const kept = cut || cache ? undefined : await readKeptAnswers(home, { ...order, dataset }, signal);
  const counts = { cachedRows: 0, keptRows: 0, equalRows: 0, tooLargeRows: 0, requests: 0 };

  function takeCached(asked: string): boolean {
    const answer = cache?.get(asked);
    if (answer) sample.add(answer);
    return answer !== undefined;
  }

  function isTooLarge(index: number, digest: Buffer, content: AskedContent): boolean {
    if (!cut || !cutter) return false;
    let fileBytes = 0;
    const asking = { customId: createCustomId(index, digest), model, content, settings };
    const request = fillRequest(asking, ({ bytes }) => {
      fileBytes += base64Length(bytes);
      return '';
    });
    const line = cut.provider.encode(request);
    return cutter.place(Buffer.byteLength(line) + fileBytes) === 'no_part';
  }

  const { rows, blankRows } = await readDataset(dataset, signal, (row) => {
    const { index } = row;
    const content = contentOf(row);
    if (content === null) return;
    const digest = digestContent(content);
    if (cache && prompts.firstRowWith(digest, index) !== index) counts.equalRows += 1;
    else if (takeCached(contentText(content))) counts.cachedRows += 1;
    else if (kept?.take({ customId: createCustomId(index, digest), digest })) counts.keptRows += 1;
    else if (isTooLarge(index, digest, content)) counts.tooLargeRows += 1;
    else {
      counts.requests += 1;
      usage.addUsage({ inputTokens: counter.count(content), outputTokens: 0 });
    }
  }).finally(() => cache?.close());
  const { encoding } = counter;
  return { rows, blankRows, ...counts, batches: cutter?.parts, usage, lengths: sample.describe(), encoding };
}

function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

async function readKeptAnswers(home: LoomHome, order: DrawnOrder, signal: AbortSignal): Promise<KeptAnswers> {
  const { sha256 } = await readDataset(order.dataset, signal);
  const paths = await listUncachedJournals(home, order, sha256);
  return KeptAnswers.read(home.results, await leaveOutSpent(home.results, paths));
}
