/**
 * The gate between adapters and stories: every word of a provider goes through it, whichever adapter read it. The texts
 * of answers pass as they are. A refusal of the key tells here whether it is one that was kept.
 */
import { isRefusedKey, ProviderError } from '../core/errors.ts';
import type { RowResult } from '../core/models.ts';
import type { Connection, VendorConnection } from './connection.ts';
import { openWords, type Words } from './protocol/words.ts';
import type {
  BatchCheck,
  BatchProvider,
  MarkedProvider,
  ProviderEntry,
  SyncProvider,
  VendorEntry,
} from './provider.ts';

/** An entry whose providers are guarded, and at the vendor's own address where no other is given. */
export function guardEntry(entry: VendorEntry): ProviderEntry {
  const { openBatch, addresses } = entry;
  const reach = (connection: Connection, callTimeoutMs: number | undefined): VendorConnection => {
    const baseUrl = (connection.baseUrl ?? addresses[0]).replace(/\/+$/, '');
    return { ...connection, callTimeoutMs, baseUrl };
  };
  return {
    ...entry,
    openSync: (connection) =>
      open(reach(connection, connection.callTimeoutMs ?? connection.timeoutMs), entry.openSync, guardSync),
    ...(openBatch && {
      openBatch: (connection: Connection) => open(reach(connection, undefined), openBatch, guardBatch),
    }),
  };
}

/** Runs a call: what it throws is guarded. */
type Run = <Result>(call: () => Promise<Result>) => Promise<Result>;

async function open<Provider extends MarkedProvider>(
  connection: VendorConnection,
  openProvider: (connection: VendorConnection) => Promise<Provider>,
  guard: (provider: Provider, words: Words, run: Run) => Provider,
): Promise<Provider> {
  const words = openWords(connection);
  const run: Run = (call) =>
    call().catch((error: unknown) => {
      throw guardError(error, words, connection);
    });
  let isSandbox = false;
  const onSandbox = () => {
    isSandbox = true;
  };
  const provider = await run(() => openProvider({ ...connection, onSandbox }));
  return { ...guard(provider, words, run), isSandbox: () => isSandbox };
}

function guardSync(provider: SyncProvider, words: Words, run: Run): SyncProvider {
  const { countTokens, checkKey } = provider;
  return {
    ...provider,
    generate: (request, signal) =>
      run(async () => guardResult(await provider.generate(request, signal), words)),
    ...(countTokens && { countTokens: (request, signal) => run(() => countTokens(request, signal)) }),
    ...(checkKey && { checkKey: (signal) => run(() => checkKey(signal)) }),
    listModels: (signal) =>
      run(async () =>
        (await provider.listModels(signal)).map((model) => ({ ...model, id: words.message(model.id) })),
      ),
  };
}

function guardBatch(provider: BatchProvider, words: Words, run: Run): BatchProvider {
  const { upload, decode, find, listCandidates, readClock, cancel, deleteFile } = provider;
  return {
    ...provider,
    ...(upload && { upload: (file, signal) => run(() => upload(file, signal)) }),
    create: (source, batch, signal) => run(() => provider.create(source, batch, signal)),
    check: (batchId, signal) => run(async () => guardCheck(await provider.check(batchId, signal), words)),
    async *results(batchId, signal, requests) {
      const results = provider.results(batchId, signal, requests)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await run(() => results.next());
          if (next.done) return;
          yield next.value.map((result) => guardResult(result, words));
        }
      } finally {
        await results.return?.();
      }
    },
    ...(decode && { decode: (lines) => decode(lines).map((result) => guardResult(result, words)) }),
    ...(find && { find: (sent, signal) => run(() => find(sent, signal)) }),
    ...(listCandidates && {
      listCandidates: (since, requests, signal, model) =>
        run(() => listCandidates(since, requests, signal, model)),
    }),
    ...(readClock && { readClock: (signal) => run(() => readClock(signal)) }),
    ...(cancel && {
      cancel: (batchId, signal) => run(async () => guardCheck(await cancel(batchId, signal), words)),
    }),
    ...(deleteFile && { deleteFile: (fileId, signal) => run(() => deleteFile(fileId, signal)) }),
  };
}

/** In a call about a batch there is no single row that an error could be about. */
function guardError(
  error: unknown,
  words: Words,
  { callTimeoutMs, isKeyKept = false }: VendorConnection,
): unknown {
  if (!(error instanceof ProviderError)) return error;
  const isLive = callTimeoutMs !== undefined;
  const scope = error.scope === 'row' && !isLive ? 'run' : error.scope;
  const [code, message] = [words.word(error.code), words.message(error.message)];
  const isOfKeptKey = isKeyKept && isRefusedKey(error);
  if (scope === error.scope && code === error.code && message === error.message && !isOfKeptKey) return error;
  // Not its cause, in which words stand as they came.
  const { status, retryAfterMs, limit, inOwnForm, brokeOff } = error;
  const facts = { status, retryAfterMs, limit, inOwnForm, brokeOff, isOfKeptKey };
  return new ProviderError(scope, code, message, facts);
}

function guardCheck(check: BatchCheck, words: Words): BatchCheck {
  const { rawStatus, error } = check;
  return { ...check, rawStatus: words.word(rawStatus), error: error && guardReason(error, 'code', words) };
}

function guardResult(result: RowResult, words: Words): RowResult {
  const { finishReason, tier } = result;
  const facts = {
    ...result,
    ...(finishReason !== undefined && { finishReason: words.word(finishReason) }),
    ...(tier !== undefined && { tier: words.word(tier) }),
  };
  if (facts.outcome === 'succeeded') return facts;
  return { ...facts, error: guardReason(facts.error, 'kind', words) };
}

/** A reason that says nothing any more still has a name. */
function guardReason<Reason extends { readonly message: string }>(
  reason: Reason,
  name: keyof Reason,
  words: Words,
): Reason {
  return {
    ...reason,
    [name]: words.word(String(reason[name])) || 'failed',
    message: words.message(reason.message) || 'The provider gave no reason.',
  };
}
