/** OpenAI, one chat completion per prompt. */
import { chatBody, classifyOpenAi, openAiAddress, openOpenAiClient, readChatAnswer } from './openai-chat.ts';
import type { Connection, SyncProvider } from './provider.ts';
import { unreadableAnswer } from './refusal.ts';
import { asObject } from './wire.ts';

export async function openSync(connection: Connection): Promise<SyncProvider> {
  const vendor = { address: openAiAddress, classify: classifyOpenAi, accountHeaders: true };
  const { client, transport } = await openOpenAiClient(connection, vendor);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (signal) => {
        const body = asObject(await client.chat.completions.create(chatBody('openai', request), { signal }));
        const answer = readChatAnswer(request.customId, body);
        if (!answer) throw unreadableAnswer('it is no chat completion');
        return answer;
      }),
  };
}
