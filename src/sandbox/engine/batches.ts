/** The batches of any vendor, from their creation to their results. A vendor describes itself to it by a `BatchKind`. */
import { type BatchFault, isInShare } from '../faults.ts';
import { Refused } from '../http/http.ts';
import { type Line, lineBlocks } from '../http/lines.ts';
import type { VendorName } from '../vendors.ts';
import { draftAnswer, type ModelRequest } from './answers.ts';
import type { AnswerForm } from './live.ts';
import {
  type BatchState,
  isHidden,
  resultFault,
  type Standing,
  type StoredBatch,
  standingOf,
} from './standing.ts';
import { type Collection, newId } from './store.ts';
import type { SandboxContext } from './vendor.ts';

/** How a vendor's batches differ from those of others. */
export interface BatchKind<Batch extends StoredBatch> {
  readonly vendor: VendorName;
  readonly form: AnswerForm;
  /** How ids of its batches begin. */
  readonly idPrefix: string;
  /** The field by which a line and its result name their row. */
  readonly idField: 'custom_id' | 'key' | 'batch_request_id';
  /** Its word for a state. */
  word(state: BatchState): string;
  /** Where only a batch that completes has results. */
  readonly keepsOnlyWhole?: boolean;
  /** Where a batch does not fail, but each of its rows. */
  readonly failsByRow?: boolean;
  /** What a line asks for; throws a refusal of a request that is not in order. */
  readRequest(line: Record<string, unknown>, batch: Batch): ModelRequest;
  notFound(id: string): Refused;
}

/** A line of the request file, and what came of it: a request to answer, a refusal, or nothing at all. */
export interface Row {
  readonly index: number;
  readonly line: Readonly<Record<string, unknown>>;
  readonly result: ModelRequest | Refused | undefined;
}

const pieceCharacters = 64 * 1024;
const htmlLine = '<html><body><h1>502 Bad Gateway</h1></body></html>';

export class Batches<Batch extends StoredBatch> {
  readonly #context: SandboxContext;
  readonly #kind: BatchKind<Batch>;
  /** Each with its requests as the body. */
  readonly stored: Collection<Batch>;

  constructor(context: SandboxContext, kind: BatchKind<Batch>) {
    this.#context = context;
    this.#kind = kind;
    this.stored = context.store.collection(kind.vendor, 'batches');
  }

  newId(): string {
    return this.#kind.idPrefix + newId();
  }

  /** A new batch of the requests that are in its body; of none when it is to fail for what is wrong with them. */
  async create(id: string, requests: number, own: Omit<Batch, keyof StoredBatch>): Promise<Batch> {
    const { faults, turnaroundMs, statistics } = this.#context;
    const { vendor, failsByRow, keepsOnlyWhole } = this.#kind;
    const told: BatchFault | undefined = requests > 0 ? faults.forBatch(vendor) : { end: 'failed' };
    const byRow: BatchFault = { ...told, end: 'completed', failedShare: 1 };
    const fault = told?.end === 'failed' && failsByRow ? byRow : told;
    const { end = 'completed', doneShare = 0.5 } = fault ?? {};
    const keptShare = end === 'failed' || keepsOnlyWhole ? 0 : doneShare;
    const common: StoredBatch = {
      id,
      createdAt: Date.now(),
      turnaroundMs,
      requests,
      end,
      done: end === 'completed' ? requests : Math.floor(requests * keptShare),
      failed: 0,
      ...(fault && { fault }),
      aheadMs: faults.clockOf(vendor).aheadMs ?? 0,
    };
    const batch = { ...common, ...own } as unknown as Batch;
    const counted = { ...batch, failed: await this.#countFailed(batch, 0, batch.done, 1) };
    await this.stored.write(counted);
    statistics.batchCreated(vendor);
    return counted;
  }

  /** The batch of an id; throws the vendor's refusal when there is none, or none yet. */
  async find(id: string): Promise<Batch> {
    const batch = await this.stored.read(id);
    if (batch === undefined || isHidden(batch)) throw this.#kind.notFound(id);
    return batch;
  }

  list(
    size: number,
    after: string | null,
    isWanted: (batch: Batch) => boolean = () => true,
  ): ReturnType<Collection<Batch>['page']> {
    return this.stored.page(size, after, (batch) => !isHidden(batch) && isWanted(batch));
  }

  /** Ends a batch early: with what was done up to now, and without what will not be answered after all. */
  async cancel(id: string): Promise<Batch> {
    const batch = await this.find(id);
    const at = Date.now();
    const { done: doneByNow, end } = standingOf(batch, at);
    if (batch.cancel !== undefined || end !== undefined) return batch;
    const done = this.#kind.keepsOnlyWhole ? 0 : doneByNow;
    const failedLater = await this.#countFailed(batch, done, batch.done, -1);
    const stopped = { ...batch, cancel: { at, done, failed: batch.failed - failedLater } };
    await this.stored.write(stopped);
    return stopped;
  }

  /** Where a batch stands, now or at a time, and the vendor's word for it. */
  standing(batch: Batch, at: number = Date.now()): Standing & { readonly word: string } {
    const standing = standingOf(batch, at);
    const word = this.#kind.word(standing.state);
    const { runningWord = word, endedWord = word } = batch.fault ?? {};
    if (standing.end !== undefined) return { ...standing, word: endedWord };
    return { ...standing, word: word === this.#kind.word('running') ? runningWord : word };
  }

  /** Whether the batches that have not ended leave no room for so many more requests, and how many they may have. */
  async queue(requests: number): Promise<{ limit: number | undefined; isFull: boolean }> {
    const limit = this.#context.faults.queueLimit(this.#kind.vendor);
    if (limit === undefined) return { limit, isFull: false };
    const isOpen = (batch: Batch) => standingOf(batch, Date.now()).end === undefined;
    const { records } = await this.stored.page(Number.POSITIVE_INFINITY, null, isOpen);
    const queued = records.reduce((sum, batch) => sum + batch.requests, 0);
    return { limit, isFull: queued + requests > limit };
  }

  /** The rows of a batch in blocks, read one by one. */
  async *rows(batch: Batch): AsyncGenerator<Row[]> {
    const done = (batch.cancel ?? batch).done;
    for await (const block of lineBlocks(this.stored.bodyPath(batch.id)))
      yield block.map((line) => this.#readRow(batch, line, line.index < done));
  }

  /** A row with what is wrong with it: the vendor's fault first, then the request itself, then what its prompt asked for. */
  #readRow(batch: Batch, { index, text }: Line, isDone: boolean): Row {
    const line = JSON.parse(text) as Record<string, unknown>;
    if (!isDone) return { index, line, result: undefined };
    return { index, line, result: injectedRefusal(batch.fault, index) ?? this.#readRequest(line, batch) };
  }

  #readRequest(line: Record<string, unknown>, batch: Batch): ModelRequest | Refused {
    try {
      const request = this.#kind.readRequest(line, batch);
      if (!request.prompt.includes('[[sandbox:')) return request;
      return this.#kind.form.refusalIn(draftAnswer(request), request) ?? request;
    } catch (error) {
      if (error instanceof Refused) return error;
      throw error;
    }
  }

  /** Counts, from one row to another, those that fail, and tells the statistics about the others. */
  async #countFailed(batch: Batch, from: number, to: number, times: 1 | -1): Promise<number> {
    let failed = 0;
    if (from >= to) return failed;
    for await (const block of this.rows(batch)) {
      for (const { index, result } of block) {
        if (index >= to) return failed;
        if (index < from || result === undefined) continue;
        if (result instanceof Refused) failed += 1;
        else this.#context.statistics.batchRow(this.#kind.vendor, result.prompt, times);
      }
    }
    return failed;
  }

  /** An answer in the vendor's form. */
  answer(batch: Batch, index: number, request: ModelRequest): object {
    const id = `${batch.id.slice(this.#kind.idPrefix.length)}${index}`;
    return this.#kind.form.write(request, draftAnswer(request), id, true);
  }

  /**
   * The lines of a result file, made from the requests while they are read, in pieces. No vendor promises the input's
   * order: each block of it comes backwards. Undefined for a row that is not in this file.
   */
  async *resultFile(batch: Batch, write: (row: Row) => object | undefined): AsyncGenerator<string> {
    const fault = resultFault(batch) ?? {};
    const { idField } = this.#kind;
    let piece = '';
    let strangers = fault.unknownRows ?? 0;
    for await (const block of this.rows(batch)) {
      for (const row of block.reverse()) {
        const { index, result } = row;
        const isLeftOut = fault.onlyErrors && result !== undefined && !(result instanceof Refused);
        const written = isLeftOut || isInShare(index, fault.missingShare, 0.3) ? undefined : write(row);
        if (written === undefined) continue;
        const lineOf = (name: string) => JSON.stringify({ ...written, [idField]: name });
        let text = JSON.stringify(written);
        if (isInShare(index, fault.foreignShare, 0.1)) text = lineOf(`nobody-${index + 1}`);
        if (isInShare(index, fault.pageShare, 0.8)) text = htmlLine;
        piece += fault.blankLines ? `${text}\n\n` : `${text}\n`;
        if (isInShare(index, fault.duplicateShare, 0.6)) piece += `${text}\n`;
        for (; strangers > 0; strangers -= 1) piece += `${lineOf(`nobody-${strangers}`)}\n`;
        if (piece.length < pieceCharacters) continue;
        yield piece;
        piece = '';
      }
    }
    if (piece !== '') yield piece;
  }
}

/** What the vendor fails a row with that has nothing wrong with it; undefined for most. */
function injectedRefusal(fault: BatchFault | undefined, index: number): Refused | undefined {
  if (fault === undefined || !isInShare(index, fault.failedShare)) return undefined;
  const { failedStatus = 500, failedMessage = 'The request failed on the side of the sandbox.' } = fault;
  return new Refused(failedStatus, failedMessage, { code: fault.failedCode });
}
