/** Anthropic, one message per prompt. */

import type { VendorConnection } from '../connection.ts';
import { readNext } from '../protocol/list-pages.ts';
import { collectModels, readEach, readModels } from '../protocol/model-list.ts';
import { unreadableAnswer } from '../protocol/refusal.ts';
import { requireCount } from '../protocol/wrappings.ts';
import type { SyncProvider } from '../provider.ts';
import {
  classifyAnthropic,
  findMessage,
  findMessageError,
  messageBody,
  openAnthropicClient,
  readMessage,
  versionHeaders,
} from './messages.ts';

/** The most that it gives at once. */
const pageSize = 1_000;

export async function openSync(connection: VendorConnection): Promise<SyncProvider> {
  const { client, transport } = await openAnthropicClient(connection, classifyAnthropic);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (call) => {
        // messages.create would print warnings about old models.
        const asked = { body: messageBody(request), headers: versionHeaders(request.settings) };
        const answer = await client.post('/v1/messages', { ...asked, ...call.options });
        const message = findMessage(answer);
        const found = message ? undefined : findMessageError(answer);
        if (found) throw transport.refuse(found.status, { error: found.error });
        if (!message) throw unreadableAnswer('it is not a message');
        return readMessage(request.customId, message);
      }),

    countTokens: (request, signal) =>
      transport.call(signal, async (call) => {
        const { model, messages } = messageBody(request);
        const system = request.settings?.system;
        const params = { model, messages, ...(system !== undefined && { system }) };
        return requireCount(await client.messages.countTokens(params, call.options), 'input_tokens');
      }),

    listModels: (signal) =>
      collectModels((after_id) =>
        transport.call(signal, async (call) => {
          const query = { limit: pageSize, ...(after_id !== undefined && { after_id }) };
          await client.get('/v1/models', { query, ...call.options });
          const answer = call.answer();
          const models = readEach(readModels(answer));
          return { models, next: readNext('models', answer?.has_more, models.at(-1)?.id ?? '') };
        }),
      ),
  };
}
