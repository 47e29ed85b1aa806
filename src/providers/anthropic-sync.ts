/** Anthropic, one message per prompt. */
import { classifyAnthropic, messageBody, openAnthropicClient, readMessage } from './anthropic-messages.ts';
import type { Connection, SyncProvider } from './provider.ts';
import { unreadableAnswer } from './refusal.ts';
import { asCount, asObject } from './wire.ts';

export async function openSync(connection: Connection): Promise<SyncProvider> {
  const { client, transport } = await openAnthropicClient(connection, classifyAnthropic);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (signal) => {
        // messages.create would print warnings about old models.
        const body = asObject(await client.post('/v1/messages', { body: messageBody(request), signal }));
        const answer = readMessage(request.customId, body);
        if (!answer) throw unreadableAnswer('it is no message');
        return answer;
      }),

    countTokens: (request, signal) =>
      transport.call(signal, async (signal) => {
        const { model, messages } = messageBody(request);
        const count = asCount(
          asObject(await client.messages.countTokens({ model, messages }, { signal })).input_tokens,
        );
        if (count === undefined) throw unreadableAnswer('it has no input_tokens');
        return count;
      }),
  };
}
