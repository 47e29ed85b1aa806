/** Anthropic, one message per prompt. */
import {
  classifyAnthropic,
  messageBody,
  openAnthropicClient,
  readMessage,
  versionHeaders,
} from './anthropic-messages.ts';
import type { Connection, SyncProvider } from './provider.ts';
import { unreadableAnswer } from './refusal.ts';
import { asCount, asObject } from './wire.ts';

export async function openSync(connection: Connection): Promise<SyncProvider> {
  const { client, transport } = await openAnthropicClient(connection, classifyAnthropic);

  return {
    baseUrl: connection.baseUrl,

    generate: (request, signal) =>
      transport.call(signal, async (signal) => {
        // messages.create would print warnings about old models.
        const call = { body: messageBody(request), headers: versionHeaders(request.settings), signal };
        const body = asObject(await client.post('/v1/messages', call));
        const answer = readMessage(request.customId, body);
        if (!answer) throw unreadableAnswer('it is no message');
        return answer;
      }),

    countTokens: (request, signal) =>
      transport.call(signal, async (signal) => {
        const { model, messages } = messageBody(request);
        const system = request.settings?.system;
        const params = { model, messages, ...(system !== undefined && { system }) };
        const count = asCount(asObject(await client.messages.countTokens(params, { signal })).input_tokens);
        if (count === undefined) throw unreadableAnswer('it has no input_tokens');
        return count;
      }),
  };
}
