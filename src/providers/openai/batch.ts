/** OpenAI's Batch API, there and at vendors that have copied it: an uploaded JSONL file of requests, an output file and an error file. */
import type { BatchCreateParams } from 'openai/resources/batches';
import { ProviderError } from '../../core/errors.ts';
import type { VendorConnection } from '../connection.ts';
import { asObject, asText } from '../network/wire.ts';
import {
  aboutResults,
  checkId,
  ignoreStatus,
  openBatchCalls,
  readEach,
  readId,
  requireOver,
} from '../protocol/batch-calls.ts';
import { openUploadFile } from '../protocol/upload-file.ts';
import type { BatchProvider } from '../provider.ts';
import { apiOf } from './api.ts';
import { isFileNotReady, openFileWait, refusesMetadata } from './batches/file-wait.ts';
import { findSentBatch, readBatchList } from './batches/find-batch.ts';
import { readCheck, readFileIds } from './batches/read-batch.ts';
import { uploadSigned } from './batches/signed-upload.ts';
import { openOpenAiClient } from './chat.ts';
import type { BatchProfile, Profile } from './profile.ts';
import { readResult } from './read-result.ts';

/** An input file lives for 30 days, so a batch that is older holds nothing that is still to be found. */
const findWithinMs = 30 * 24 * 3_600_000;
const pageSize = 100;
/** Of each try to create a batch. */
const longestFileWaitMs = 2 * 60_000;

export async function openBatch(
  connection: VendorConnection,
  profile: Profile & { readonly batches: BatchProfile },
): Promise<BatchProvider> {
  const { limits, graceMs, tagField, listsByTag, repeatField, lineForm, modelAt, waitsForFile, cancels } =
    profile.batches;
  const { purpose = 'batch', endpoint = '/v1/chat/completions', window = '24h' } = profile.batches;
  const { client, transport } = await openOpenAiClient(connection, profile);
  const waitForFile = openFileWait(
    (fileId, signal) =>
      transport.call(signal, (call) => client.files.retrieve(checkId(fileId), call.options)),
    Math.min(connection.timeoutMs, longestFileWaitMs),
  );
  // Without it a batch is known by its file.
  let takesMetadata = true;
  const { retrieve, check, cancel } = openBatchCalls(
    transport.call,
    {
      look: (batchId, call) => client.batches.retrieve(batchId, call.options),
      cancel: (batchId, call) => client.batches.cancel(batchId, call.options),
    },
    profile.batches.expires === false ? (batch) => readCheck({ ...batch, expires_at: null }) : readCheck,
  );

  return {
    limits,
    graceMs,
    isCreateRepeatable: repeatField !== undefined,
    framing: { before: '', between: '\n', after: '\n' },
    encode(request) {
      const api = apiOf(request.settings);
      const { model, ...rest } = api.body(profile, request);
      const line = lineForm === 'body' ? {} : { method: 'POST', url: api.endpoint(endpoint) };
      const body = modelAt === 'batch' ? rest : { model, ...rest };
      return JSON.stringify({ custom_id: request.customId, ...line, body });
    },

    upload: (file, signal) =>
      transport
        .call(
          signal,
          async (call) => {
            if (profile.batches.upload === 'signed')
              return uploadSigned(call, connection, file.path, purpose);
            const upload = await openUploadFile(file.path);
            const form = { file: upload, purpose: purpose as 'batch' };
            const answer = await client.files.create(form, call.options);
            // LM Studio says 200 to an address that it does not have.
            if (asText(asObject(answer).error)) throw noBatchApi(client.baseURL);
            return readId(answer, 'id', 'file');
          },
          'upload',
        )
        .catch(refuseMissingFiles(client.baseURL)),

    async create({ fileId = '' }, { model, tag, settings }, signal) {
      const send = (creation: object) =>
        transport.call(signal, async (call) => {
          const created = await client.batches.create(creation as BatchCreateParams, call.options);
          return readId(created, 'id', 'batch');
        });
      let mayWait = true;
      if (waitsForFile) await waitForFile(fileId, signal);
      // What is refused so was not created: it is asked for in the way that the server takes.
      for (;;) {
        try {
          return await send({
            input_file_id: fileId,
            endpoint: apiOf(settings).endpoint(endpoint),
            completion_window: window,
            ...(modelAt === 'batch' && { model }),
            ...(tagField !== undefined && takesMetadata && { metadata: { [tagField]: tag } }),
            ...(repeatField !== undefined && { [repeatField]: tag }),
          });
        } catch (error) {
          if (takesMetadata && refusesMetadata(error)) takesMetadata = false;
          else if (mayWait && isFileNotReady(error)) {
            mayWait = false;
            await waitForFile(fileId, signal);
          } else throw error;
        }
      }
    },

    check,

    async *results(batchId, signal, requests = limits.requests) {
      const batch = await retrieve(batchId, signal);
      requireOver(batchId, readCheck(batch));
      // Either file may be missing, null or an empty text; rows that failed are in the error file only.
      let gone: unknown;
      for (const fileId of [...readFileIds(batch, 'output'), ...readFileIds(batch, 'error')]) {
        const lines = transport.lines(signal, requests, (call) =>
          client.files.content(checkId(fileId), call.options).asResponse(),
        );
        try {
          for await (const some of aboutResults(batchId, lines)) yield readEach(some, readResult);
        } catch (error) {
          // Either file can be deleted by itself: what the other has is taken all the same.
          if (!(error instanceof ProviderError) || error.code !== 'results_gone') throw error;
          gone = error;
        }
      }
      if (gone) throw gone;
    },

    decode: (lines) => readEach(lines, readResult),

    find: (sent, signal) =>
      transport.call(signal, async (call) => {
        const ask = async (query: object) => {
          await client.batches.list(query, call.options);
          return readBatchList(call.list() ?? call.answer());
        };
        const filter = listsByTag && tagField !== undefined ? { [tagField]: sent.tag } : {};
        const since = new Date(Date.now() - findWithinMs);
        return findSentBatch(ask, { limit: pageSize, ...filter }, since, { ...sent, tagField });
      }),

    ...(cancels !== false && { cancel }),

    deleteFile: (fileId, signal) =>
      transport
        .call(signal, async (call) => {
          await client.files.delete(checkId(fileId), call.options);
        })
        .catch(ignoreStatus(404)),
  };
}

/** Many servers speak OpenAI's chat protocol and nothing more: there is no place for files. */
function refuseMissingFiles(address: string) {
  return (error: unknown): never => {
    const isMissing = error instanceof ProviderError && [404, 405, 501].includes(error.status ?? 0);
    throw isMissing ? noBatchApi(address, error.status) : error;
  };
}

function noBatchApi(address: string, status = 200): ProviderError {
  return new ProviderError('run', 'no_batch_api', `The server has no batch API at ${address}.`, { status });
}
