/** `loom run --sync`: what is told of a live run. */
import { createReadStream } from 'node:fs';
import { titleOf } from '../../api/providers.ts';
import {
  type AnsweredDataset,
  type RunEvent,
  runSync,
  type SyncProgress,
  type WholeCost,
} from '../../api/run-sync.ts';
import type { RunDocument } from '../../core/documents/documents.ts';
import { LongWaitError, LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { documentOutput } from '../documents/output-document.ts';
import { describeRun, goesToStdout } from '../options/orders.ts';
import { askOverwrite } from '../options/overwrite.ts';
import { startProgress } from '../terminal/progress.ts';
import { tellCalls } from '../words/calls.ts';
import { describeWhole, reportUsage } from '../words/costs.ts';
import { countOf } from '../words/counts.ts';
import { tellForeignReasons } from '../words/failures.ts';
import { describeLiveRefusal } from '../words/told-schemas.ts';
import { type StartedRun, tellDone } from './done.ts';

/** Answers every row and writes the output; returns the exit code. */
export async function answerRun(started: StartedRun): Promise<number> {
  const { options, context, document } = started;
  const { terminal } = context;
  const { provider, model, sandbox: isRehearsal } = options;
  const summary = await generate(started);
  if (!summary) return 0;
  const toStdout = goesToStdout(options);
  const done = { ...summary, outputPath: toStdout ? undefined : summary.outputPath, summary };
  if (summary.isWritten) {
    document.kind = 'answered';
    document.output = documentOutput({ ...done, id: undefined, provider, model }, isRehearsal);
  }
  return tellDone(done, terminal, toStdout ? terminal.note : terminal.print, () => {
    reportUsage(summary, { provider, model, isRehearsal }, terminal);
    if (!summary.whole) return;
    document.whole = documentWhole(summary.whole);
    terminal.note(describeWhole(summary.whole));
  });
}

function documentWhole({ rows, sampled, liveCost, batchCost }: WholeCost): RunDocument['whole'] {
  return { rows, sampled_answers: sampled, live_cost_usd: liveCost, batch_cost_usd: batchCost ?? null };
}

const slowTier =
  'In the tier flex an answer may take long: a row has failed after 10 minutes, unless --call-timeout says more.';

async function generate({ options, context, reach }: StartedRun): Promise<AnsweredDataset | undefined> {
  const { terminal } = context;
  const {
    provider,
    model,
    workers,
    cache,
    maxCost,
    patience: patienceMs,
    retryMisfits,
    tier,
    callTimeout,
    sandbox: isRehearsal,
  } = options;
  const tellCall = tellCalls(terminal);
  let progress: ReturnType<typeof startProgress> | undefined;
  let spent: Extract<RunEvent, { type: 'spent' }> | undefined;

  const onEvent = (event: RunEvent) => {
    switch (event.type) {
      case 'foreign_reasons':
        return tellForeignReasons(event, terminal);
      case 'started':
        terminal.note(
          `Weaving live... provider=${provider} model=${model} workers=${workers} cache=${cache ? 'on' : 'off'}`,
        );
        if (tier === 'flex' && callTimeout === undefined) terminal.note(slowTier);
        progress = startProgress(terminal, 'Generating');
        return;
      case 'progress':
        return progress?.update({ ...event, details: describeProgress(event) });
      case 'pending':
        return terminal.note(
          `Note: the same work is pending already as ${event.id}, a batch; its answers are paid for once more.`,
        );
      case 'waiting':
        return terminal.note('Another process is doing the same run; waiting for it.');
      case 'resumed':
        return terminal.note(
          `${countOf(event.answers, 'answer is', 'answers are')} kept from a run that was cut off.`,
        );
      case 'cache_trouble':
        return terminal.warn(`${(event.error as Error).message} Answers go to the output only.`);
      case 'spent':
        spent = event;
        return;
      case 'schema_refused':
        return terminal.note(describeLiveRefusal(event.reason));
      case 'answered':
      case 'asked_again':
        return;
      default:
        return tellCall(event);
    }
  };

  const deliver = (path: string) => {
    progress?.stop();
    return terminal.writeBytes(createReadStream(path));
  };
  try {
    return await runSync({
      ...reach,
      ...(await describeRun(options, context)),
      workers,
      patienceMs,
      retryMisfits,
      tier,
      maxCost,
      overwrite: askOverwrite(options, terminal),
      deliver: goesToStdout(options) ? deliver : undefined,
      onEvent,
    });
  } catch (error) {
    progress?.stop();
    if (spent) reportUsage(spent, { provider, model, isRehearsal }, terminal);
    throw error instanceof LongWaitError ? describeLimit(provider, error) : error;
  } finally {
    progress?.stop();
  }
}

function describeLimit(provider: ProviderName, error: LongWaitError): LoomError {
  return new LoomError('limit', `${titleOf(provider)}: ${error.message}`, {
    hint: 'The answers so far are kept, and no output is written: the same command goes on from there. See --patience.',
    cause: error,
  });
}

function describeProgress({ cacheHits, errors }: SyncProgress): string {
  return `cache=${cacheHits}  errors=${errors}`;
}
