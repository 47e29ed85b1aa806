/** OpenRouter: OpenAI's client at another address, and errors that come with HTTP 200. */
import { chatBody, classifyOpenAi, openOpenAiClient, readChatAnswer } from './openai-chat.ts';
import type { Connection, SyncProvider } from './provider.ts';
import { type Classify, unreadableAnswer } from './refusal.ts';
import { asCount, asList, asObject, type WireObject } from './wire.ts';

const openRouterAddress = 'https://openrouter.ai/api/v1';

export async function openSync(connection: Connection): Promise<SyncProvider> {
  const vendor = { address: openRouterAddress, classify: classifyOpenRouter, accountHeaders: false };
  const { client, transport } = await openOpenAiClient(connection, vendor);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (signal) => {
        const body = asObject(
          await client.chat.completions.create(chatBody('openrouter', request), { signal }),
        );
        const error = findError(body);
        if (error) throw transport.refuse(readStatus(error), { error });
        const answer = readChatAnswer(request.customId, body);
        if (!answer) throw unreadableAnswer('it is no chat completion');
        return answer;
      }),
  };
}

export const classifyOpenRouter: Classify = (refusal) => {
  // 403 is a prompt that a moderation or guardrail stopped, or a key whose own spending limit is reached.
  if (refusal.status === 403) return { scope: /key limit|credit/i.test(refusal.message) ? 'run' : 'row' };
  if (refusal.status === 400 && /not a valid model/i.test(refusal.message))
    return { scope: 'run', code: 'model_not_found' };
  return classifyOpenAi(refusal);
};

/** Once the upstream has been asked, the status is 200 whatever comes (OpenRouter's page on errors). */
function findError(body: WireObject): WireObject | undefined {
  const choice = asObject(asList(body.choices)[0]);
  if (body.error) return asObject(body.error);
  if (choice.error) return asObject(choice.error);
  if (choice.finish_reason === 'error') return { code: 502, message: 'The upstream broke off its answer.' };
  return undefined;
}

/** Its code is the HTTP status that the answer can't have any more. */
function readStatus(error: WireObject): number {
  const code = asCount(error.code) ?? 0;
  return code >= 400 && code <= 599 ? code : 502;
}
