/** Google Gemini, one generateContent per prompt. */

import type { VendorConnection } from '../connection.ts';
import { asList, asObject, asText, firstText, type WireObject } from '../network/wire.ts';
import { collectModels, readEach, readModels } from '../protocol/model-list.ts';
import { unreadableAnswer } from '../protocol/refusal.ts';
import { requireCount } from '../protocol/wrappings.ts';
import type { SyncProvider } from '../provider.ts';
import {
  checkModel,
  classifyGoogle,
  configOf,
  contentBody,
  findContent,
  findContentError,
  openGoogleClient,
  readContent,
} from './content.ts';

/** The most that it gives at once. */
const pageSize = '1000';

export async function openSync(connection: VendorConnection): Promise<SyncProvider> {
  const { client, transport, get } = await openGoogleClient(connection, classifyGoogle);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (call) => {
        const { contents, ...extraBody } = contentBody(request);
        // The SDK knows some fields, under names of its own; what it merges into the body goes out as it is in a batch.
        const config = configOf(call, { extraBody });
        const params = { model: checkModel(request.model), contents, config };
        await client.models.generateContent(params);
        const answer = call.answer();
        const content = findContent(answer);
        const found = content ? undefined : findContentError(answer);
        if (found) throw transport.refuse(found.status, { error: found.error });
        if (!content) throw unreadableAnswer('it has no candidates');
        const tier = readTier(content);
        return { ...readContent(request.customId, content), ...(tier && { tier }) };
      }),

    countTokens: (request, signal) =>
      transport.call(signal, async (call) => {
        const { contents, systemInstruction } = contentBody(request) as ReturnType<typeof contentBody> & {
          systemInstruction?: object;
        };
        const model = checkModel(request.model);
        // A system text counts only as part of a whole request, which the SDK has no parameter for.
        const name = model.includes('/') ? model : `models/${model}`;
        const whole = { model: name, contents, systemInstruction };
        const extraBody = systemInstruction && { generateContentRequest: whole };
        const config = configOf(call, extraBody && { extraBody });
        const params = { model, contents, config };
        await client.models.countTokens(params);
        return requireCount(call.answer(), 'totalTokens');
      }),

    listModels: (signal) =>
      collectModels((pageToken) =>
        transport.call(signal, async (call) => {
          // The SDK's pager never ends where the token of the last page is an empty text.
          const query = new URLSearchParams({ pageSize, ...(pageToken !== undefined && { pageToken }) });
          await get(`models?${query}`, call);
          const answer = call.answer();
          const entries = readModels(isEmpty(answer) ? { models: [] } : answer).filter(generatesContent);
          const models = readEach(entries).map(({ id, ...model }) => ({
            ...model,
            id: id.replace(/^models\//, ''),
          }));
          return { models, next: asText(answer?.nextPageToken) || undefined };
        }),
      ),
  };
}

/** In the usage, as the SDK's types have it for streams; not seen in an answer of generateContent. */
function readTier({ serviceTier, usageMetadata }: WireObject): string {
  return firstText(asObject(usageMetadata).serviceTier, serviceTier);
}

/** A list without a single entry has no field at all. */
function isEmpty(answer: WireObject | undefined): boolean {
  return answer !== undefined && Object.keys(answer).length === 0;
}

/** Its list has those for embeddings and pictures, too. One that does not say what it does may be meant. */
function generatesContent({ supportedGenerationMethods: methods }: WireObject): boolean {
  return !Array.isArray(methods) || asList(methods).includes('generateContent');
}
