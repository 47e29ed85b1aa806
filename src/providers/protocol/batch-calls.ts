/** What the calls about a batch have in common at all vendors. */
import { ProviderError } from '../../core/errors.ts';
import type { RowResult } from '../../core/models.ts';
import type { Call } from '../call.ts';
import { longestId } from '../network/limits.ts';
import { asObject, asText, type WireObject } from '../network/wire.ts';
import type { BatchCheck } from '../provider.ts';
import { type Page, readPages } from './list-pages.ts';
import { unreadableAnswer } from './refusal.ts';
import { isOver } from './statuses.ts';
import { findHeld, saysSomething } from './wrappings.ts';

/** What stands in a batch or an upload, and in nothing that may be around it: that may have an id and a status too. */
const signs = {
  batch: [
    'input_file_id',
    'input_file',
    'input_files',
    'completion_window',
    'endpoint',
    'request_counts',
    'processing_status',
  ],
  file: ['purpose', 'bytes', 'filename'],
} as const;

type Created = keyof typeof signs;

function isCreated(object: WireObject, what: Created): boolean {
  return object.object === what || signs[what].some((sign) => saysSomething(object[sign]));
}

/**
 * The id of what was just created, as it stands; without one, or with one that is longer than any address, the call may
 * have taken effect all the same. `what` tells it from what is around it.
 */
export function readId(answer: unknown, field: 'id' | 'name' | 'batch_id', what?: Created): string {
  const hasId = (object: WireObject) => asText(object[field]) !== '';
  const found = what && findHeld(answer, (object) => hasId(object) && isCreated(object, what));
  const id = asText((found ?? findHeld(answer, hasId))?.[field]);
  if (!id) throw unreadableAnswer(`it has no ${field}`);
  if (id.length > longestId) throw unreadableAnswer(`its ${field} is longer than ${longestId} characters`);
  return id;
}

/** Fields of which a batch has at least one at each vendor. */
const batchFields = ['id', 'name', 'batch_id', 'status', 'processing_status', 'state', 'metadata'];

/** The batch that something is, or has in it. */
export function findBatch(value: unknown): WireObject | undefined {
  const named = (object: WireObject) => asText(object.id) !== '' || asText(object.name) !== '';
  return (
    findHeld(value, (object) => named(object) && isCreated(object, 'batch')) ??
    findHeld(value, named) ??
    findHeld(value, (object) => batchFields.some((field) => saysSomething(object[field])))
  );
}

/** The batch that an answer holds. */
function readBatch(answer: unknown): WireObject {
  const batch = findBatch(answer);
  if (!batch) throw unreadableAnswer('it is not a batch');
  return batch;
}

/** A gateway without a list of batches may answer with a 200 and anything: that says nothing about what there is. */
export function requireList(page: unknown): void {
  const { data, object } = asObject(page);
  if (!Array.isArray(data) && !(object === 'list' && data === null))
    throw unreadableAnswer('it is not a list of batches');
}

/** A page of a list of batches, as far as its end is to be told. */
interface ListPage extends Page {
  /** When its batches were created, in their order; undefined where one does not tell. */
  readonly times: readonly (Date | undefined)[];
}

/**
 * Goes through a list of batches until `look` finds what it looks for, or the list has no more that was created since
 * then. What was not seen is never taken not to be there: a list that turns in a circle, or is too long to be read, is an
 * error, and one that is not newest first is read to its end.
 */
export async function lookThrough<Page extends ListPage, Found>(
  since: Date,
  openPage: (next: string | undefined) => Promise<Page>,
  look: (page: Page) => Found | undefined,
): Promise<Found | undefined> {
  for await (const page of readPages('batches', openPage)) {
    const found = look(page);
    if (found !== undefined || endsBefore(page, since)) return found;
  }
  return undefined;
}

/** Whether what follows a page is older still: told only by one that goes from new to old. */
function endsBefore({ times }: ListPage, since: Date): boolean {
  const known = times.filter((time) => time !== undefined);
  const last = known.at(-1);
  const isNewestFirst = known.every((time, index) => index === 0 || time <= (known[index - 1] as Date));
  return last !== undefined && last < since && isNewestFirst;
}

/**
 * Whether an id can stand in an address: `..` would lead elsewhere, however it is written, and half of a character can't
 * be written at all.
 */
function isAddressable(id: string): boolean {
  const isRelative = id.split('/').some((step) => step === '.' || step === '..');
  return id !== '' && !id.endsWith('/') && !isRelative && !/\p{Surrogate}/u.test(id);
}

/** Refuses a file's or batch's id that no address can hold, before a call goes somewhere else. */
export function checkId(id: string): string {
  if (isAddressable(id)) return id;
  throw new ProviderError('run', 'invalid_id', `No address can hold the id ${showId(id)}.`);
}

/** An id in a sentence. */
function showId(id: string): string {
  const longestShown = 100;
  return id.length > longestShown ? `${id.slice(0, longestShown)}…` : id;
}

/** A 404 on a batch is about that batch, not about a model. */
async function aboutBatch<T>(batchId: string, call: () => Promise<T>): Promise<T> {
  checkId(batchId);
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProviderError) || error.status !== 404) throw error;
    const message = `There is no batch ${showId(batchId)} at the provider for this key: ${error.message}`;
    throw new ProviderError('run', 'not_found', message, { status: 404 });
  }
}

/** Runs a call, as `call` of a transport does. */
type Run = <Result>(
  signal: AbortSignal,
  work: (call: Call) => Promise<Result>,
  kind?: 'inline',
) => Promise<Result>;

type AskOfBatch = (batchId: string, call: Call) => Promise<unknown>;

/** The looks at one batch: how the vendor is asked for it, and how its answer is read. */
export function openBatchLooks(
  run: Run,
  ask: { readonly look: AskOfBatch; readonly kind?: 'inline' },
  readCheck: (batch: WireObject) => BatchCheck,
) {
  const retrieve = (batchId: string, signal: AbortSignal) =>
    aboutBatch(batchId, () =>
      run(signal, async (call) => readBatch(await ask.look(batchId, call)), ask.kind),
    );
  const check = async (batchId: string, signal: AbortSignal) => readCheck(await retrieve(batchId, signal));
  return { retrieve, check };
}

/** The same, and how it is told to cancel it. */
export function openBatchCalls(
  run: Run,
  ask: { readonly look: AskOfBatch; readonly cancel: AskOfBatch; readonly kind?: 'inline' },
  readCheck: (batch: WireObject) => BatchCheck,
) {
  const { retrieve, check } = openBatchLooks(run, ask, readCheck);
  const cancel = (batchId: string, signal: AbortSignal) =>
    cancelThenCheck(
      () => aboutBatch(batchId, () => run(signal, (call) => ask.cancel(batchId, call))),
      () => check(batchId, signal),
    );
  return { retrieve, check, cancel };
}

/** Refuses the results of a batch that is under way, as a server may say of one that was over a moment ago. */
export function requireOver(batchId: string, { status, rawStatus }: BatchCheck): void {
  if (isOver(status)) return;
  const said = status === 'unknown' && rawStatus !== '' ? ` (${rawStatus})` : '';
  const message = `Batch ${showId(batchId)} is not over${said}: its results are not known yet.`;
  throw new ProviderError('retry', 'not_over', message);
}

/** How else than by a 404 or 410 it can be told that results are gone. */
interface GoneSigns {
  /** The batch itself says so: then any refusal of them does. */
  readonly batchSaysSo?: boolean;
  /** What the vendor says in its own form in place of a 404. */
  readonly says?: (error: ProviderError) => boolean;
}

/**
 * The results of a batch that was found just now. A 404 or 410 on them in the provider's own form says that they are
 * gone: `results_gone`.
 */
export async function* aboutResults<T>(
  batchId: string,
  results: AsyncIterable<T>,
  { batchSaysSo = false, says = () => false }: GoneSigns = {},
): AsyncGenerator<T> {
  try {
    yield* results;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const { status = 0, inOwnForm } = error;
    const isRefused = status >= 400 && status < 500 && !passingStatuses.has(status);
    const isGone = inOwnForm && (goneStatuses.has(status) || says(error));
    if (!isGone && !(batchSaysSo && isRefused)) throw error;
    const message = `The results of batch ${batchId} are gone at the provider: ${error.message}`;
    throw new ProviderError('run', 'results_gone', message, { status: error.status });
  }
}

/** The results on some lines; those that belong to no row are left out. */
export function readEach(
  lines: readonly unknown[],
  readResult: (line: WireObject) => RowResult | undefined,
): RowResult[] {
  return lines.map((line) => readResult(asObject(line))).filter((result) => result !== undefined);
}

const goneStatuses = new Set([404, 410]);
/** Of a key, or of the moment: they say nothing of results. */
const passingStatuses = new Set([401, 408, 425, 429]);

/** For a deletion: what is gone already is no error. */
export function ignoreStatus(...statuses: number[]) {
  return (error: unknown): void => {
    if (!(error instanceof ProviderError) || !statuses.includes(error.status ?? 0)) throw error;
  };
}

/** What vendors say to the cancel of a batch that is over, or is being cancelled: OpenAI 409, others 400 or 200. */
const tooLateStatuses = new Set([400, 409]);

/** Cancels, then looks how the batch is; a refusal that comes of its being over is none. */
async function cancelThenCheck(
  cancel: () => Promise<unknown>,
  check: () => Promise<BatchCheck>,
): Promise<BatchCheck> {
  try {
    await cancel();
  } catch (error) {
    if (!(error instanceof ProviderError) || !tooLateStatuses.has(error.status ?? 0)) throw error;
    const seen = await check();
    if (!isOver(seen.status) && !/cancell?(?:ing|ation)/i.test(seen.rawStatus)) throw error;
    return seen;
  }
  return check();
}
