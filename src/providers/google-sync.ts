/** Google Gemini, one generateContent per prompt. */
import { checkModel, classifyGoogle, contentBody, openGoogleClient, readContent } from './google-content.ts';
import type { Connection, SyncProvider } from './provider.ts';
import { unreadableAnswer } from './refusal.ts';
import { asCount, asObject } from './wire.ts';

export async function openSync(connection: Connection): Promise<SyncProvider> {
  const { client, transport } = await openGoogleClient(connection, classifyGoogle);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (signal) => {
        const params = {
          model: checkModel(request.model),
          ...contentBody(request),
          config: { abortSignal: signal },
        };
        const answer = readContent(request.customId, asObject(await client.models.generateContent(params)));
        if (!answer) throw unreadableAnswer('it has no candidates');
        return answer;
      }),

    countTokens: (request, signal) =>
      transport.call(signal, async (signal) => {
        const params = {
          model: checkModel(request.model),
          ...contentBody(request),
          config: { abortSignal: signal },
        };
        const count = asCount(asObject(await client.models.countTokens(params)).totalTokens);
        if (count === undefined) throw unreadableAnswer('it has no totalTokens');
        return count;
      }),
  };
}
