/**
 * Fireworks' batch jobs: a data set of requests, a job whose id is ours, and a data set of results that is had by signed
 * addresses. The forms are those of its SDK and its guide; nothing was tried live.
 */
import { randomBytes } from 'node:crypto';
import { ProviderError } from '../../core/errors.ts';
import type { RowResult } from '../../core/models.ts';
import type { VendorConnection } from '../connection.ts';
import { isLoopback } from '../network/loopback.ts';
import { asCount, asId, asObject, asText, asTime, type WireObject } from '../network/wire.ts';
import { chatBody, openOpenAiClient } from '../openai/chat.ts';
import { kindOfRpcCode, readHeldCompletion } from '../openai/held-completion.ts';
import {
  aboutResults,
  checkId,
  ignoreStatus,
  openBatchLooks,
  readEach,
  readId,
  requireOver,
} from '../protocol/batch-calls.ts';
import { readReason } from '../protocol/reasons.ts';
import { unreadableAnswer } from '../protocol/refusal.ts';
import { isOver, readStatus, type StatusWords } from '../protocol/statuses.ts';
import { openUploadFile } from '../protocol/upload-file.ts';
import { findHeld, openObject } from '../protocol/wrappings.ts';
import type { BatchCheck, BatchProvider } from '../provider.ts';
import { profile } from './profile.ts';

/** It names no number of requests, and 500 MB for a data set; 150 MB of these can be uploaded in one call. */
const limits = { requests: 100_000, bytes: 150_000_000 };

export async function openBatch(connection: VendorConnection): Promise<BatchProvider> {
  const { client, transport } = await openOpenAiClient(connection, profile);
  const root = controlAddress(connection.baseUrl);
  const accountAddress = (account: string, what: string) =>
    `${root}/accounts/${encodeURIComponent(account)}/${what}`;
  const addressOf = (name: string) => `${root}/${checkId(name).split('/').map(encodeURIComponent).join('/')}`;
  const jobAddress = (batchId: string) => addressOf(jobName(batchId, () => findAccount(connection)));
  const { retrieve, check } = openBatchLooks(
    transport.call,
    { look: (batchId, call) => client.get(jobAddress(batchId), call.options) },
    readCheck,
  );
  const get = (name: string, signal: AbortSignal) =>
    transport.call(signal, async (call) => {
      await client.get(addressOf(name), call.options);
      const answer = call.answer();
      if (!answer) throw unreadableAnswer('it is not an object');
      return answer;
    });

  /**
   * As clear a refusal as any: nothing was created, and a later try finds it ready. What a look at it does not tell, the
   * creation does.
   */
  async function requireReady(name: string, signal: AbortSignal): Promise<void> {
    const { state } = await get(name, signal).catch((error: unknown): WireObject => {
      if (!(error instanceof ProviderError) || error.code === 'invalid_id') throw error;
      return {};
    });
    if (!/^uploading$/i.test(asText(state))) return;
    throw new ProviderError('retry', 'file_not_ready', 'The upload is not ready yet.', { status: 400 });
  }

  return {
    limits,
    isCreateRepeatable: true,
    framing: { before: '', between: '\n', after: '\n' },
    encode(request) {
      // The model is said once, at the job.
      const { model: _, ...body } = chatBody(profile, request);
      return JSON.stringify({ custom_id: request.customId, body });
    },

    async upload(file, signal) {
      const account = findAccount(connection);
      // A second upload is another data set: what came of the first nobody knows.
      const id = `loom-${randomBytes(10).toString('hex')}`;
      return transport.call(
        signal,
        async (call) => {
          const form = new FormData();
          form.set('file', await openUploadFile(file.path));
          const name = `accounts/${account}/datasets/${id}`;
          const body = { datasetId: id, dataset: { userUploaded: {} } };
          await client.post(accountAddress(account, 'datasets'), { body, ...call.options });
          await client.post(`${addressOf(name)}:upload`, { body: form, ...call.options });
          return name;
        },
        'upload',
      );
    },

    async create({ fileId = '' }, { model, tag }, signal) {
      await requireReady(fileId, signal);
      const account = accountIn(fileId) ?? findAccount(connection);
      const id = jobId(tag);
      const body = {
        model,
        displayName: tag,
        inputDatasetId: fileId,
        outputDatasetId: `accounts/${account}/datasets/${id}-out`,
      };
      const ask = { body, query: { batchInferenceJobId: id } };
      try {
        return await transport.call(signal, async (call) =>
          readId(
            await client.post(accountAddress(account, 'batchInferenceJobs'), { ...ask, ...call.options }),
            'name',
          ),
        );
      } catch (error) {
        if (!saysTaken(error)) throw error;
        // There is a job of this id, and it is ours; where it can't be had, nothing is settled.
        const job = await get(`accounts/${account}/batchInferenceJobs/${id}`, signal).catch(() => {
          signal.throwIfAborted();
          throw new ProviderError('retry', error.code, error.message, { status: 409 });
        });
        return readId(job, 'name');
      }
    },

    check,

    async *results(batchId, signal, requests = limits.requests) {
      const job = await retrieve(batchId, signal);
      requireOver(batchId, readCheck(job));
      const dataset = asText(job.outputDatasetId);
      if (dataset === '') return;
      const account = accountIn(batchId) ?? findAccount(connection);
      const name = dataset.includes('/') ? dataset : `accounts/${account}/datasets/${dataset}`;
      const openAddresses = async function* () {
        yield await transport.call(signal, async (call) => {
          await client.get(`${addressOf(name)}:getDownloadEndpoint`, call.options);
          return readAddresses(call.answer());
        });
      };
      for await (const addresses of aboutResults(batchId, openAddresses())) {
        for (const address of addresses) {
          // Signed, and most likely of another host: the key is not sent along.
          const lines = transport.lines(signal, requests, (call) => call.fetch(address));
          for await (const some of aboutResults(batchId, lines)) yield readEach(some, readResult);
        }
      }
    },

    decode: (lines) => readEach(lines, readResult),

    deleteFile: (fileId, signal) =>
      transport
        .call(signal, async (call) => {
          await client.delete(addressOf(fileId), call.options);
        })
        .catch(ignoreStatus(404)),
  };
}

/**
 * Where jobs and data sets are: beside the address of live calls, which is that of a gateway or of the vendor's
 * `/inference/v1`.
 */
function controlAddress(baseUrl: string): string {
  return `${baseUrl.replace(/(?:\/inference)?\/v1$/, '')}/v1`;
}

/** ProviderError `account_missing` where nobody says whose the batches are; a server on this machine does not mind. */
function findAccount({ account: named, baseUrl }: VendorConnection): string {
  const account = named?.trim() || (isLoopback(baseUrl) ? 'local' : '');
  if (account !== '' && !/[/?#]/.test(account)) return account;
  const message =
    account === ''
      ? `Batches at Fireworks belong to an account: set ${profile.accountVariable} to its id.`
      : `${profile.accountVariable} is not the id of an account: it has a slash or a sign of an address in it.`;
  throw new ProviderError('run', 'account_missing', message, { status: 400 });
}

/** `accounts/<account>/…`: names carry it, so that a fetch needs no variable. */
function accountIn(name: string): string | undefined {
  return /^accounts\/([^/]+)\//.exec(name)?.[1];
}

function jobName(batchId: string, findAccount: () => string): string {
  return batchId.includes('/') ? batchId : `accounts/${findAccount()}/batchInferenceJobs/${batchId}`;
}

/** The same tag is the same job: of small letters, digits and dashes, as ids there are. */
function jobId(tag: string): string {
  return tag.toLowerCase().replaceAll('_', '-').replaceAll('.', '-r');
}

function saysTaken(error: unknown): error is ProviderError {
  if (!(error instanceof ProviderError)) return false;
  return error.status === 409 || (error.status === 400 && /already exists/i.test(error.message));
}

const statusWords: StatusWords = {
  validating: ['creating', 'creating_input_dataset', 'validating', 'pending'],
  in_progress: ['running', 'writing_results', 're_queueing', 'idle', 'paused', 'cancelling'],
  completed: ['completed', 'early_stopped'],
  failed: ['failed'],
  cancelled: ['cancelled'],
  expired: ['expired'],
};

function readCheck(job: WireObject): BatchCheck {
  const rawStatus = asText(job.state);
  // `JOB_STATE_RUNNING`, and in its guide `RUNNING`.
  const status = readStatus(statusWords, rawStatus.replace(/^JOB[_-]STATE[_-]/i, ''));
  const progress = asObject(job.jobProgress);
  const total = asCount(progress.totalInputRequests);
  const { code, message } = readReason(job.status);
  return {
    batchId: asText(job.name),
    status,
    rawStatus,
    // A count of 0 may be left out.
    counts: total
      ? {
          total,
          succeeded: asCount(progress.successfullyProcessedRequests) ?? 0,
          failed: asCount(progress.failedRequests) ?? 0,
        }
      : undefined,
    times: { created: asTime(job.createTime), ended: isOver(status) ? asTime(job.updateTime) : undefined },
    error: isOver(status) && message ? { code: code || 'failed', message } : undefined,
  };
}

/** The files of a data set, by name: those of results, and one of errors. */
function readAddresses(answer: WireObject | undefined): string[] {
  const held = findHeld(answer, ({ filenameToSignedUrls }) => typeof filenameToSignedUrls === 'object');
  // Without a file it may have no such field.
  if (!held && (!answer || Object.keys(answer).length > 0))
    throw unreadableAnswer('it has no addresses of results');
  return Object.values(asObject(held?.filenameToSignedUrls)).map(asText).filter(Boolean);
}

/** The answer stands in `response`, or in its `body`; what went wrong in `error`. */
function readResult(line: WireObject): RowResult | undefined {
  const customId = asId(line.custom_id);
  if (!customId) return undefined;
  const response = openObject(line.response);
  const status = asCount(response.status_code) || asCount(line.status_code) || 200;
  const refused = status >= 200 && status <= 299 ? undefined : { code: status, message: `HTTP ${status}` };
  const errors = [line.error, response.error, line.error_message, refused];
  return readHeldCompletion(customId, line, errors, kindOfRpcCode);
}
