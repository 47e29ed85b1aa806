/** Google Gemini, one generateContent per prompt. */
import { checkModel, classifyGoogle, contentBody, openGoogleClient, readContent } from './google-content.ts';
import type { Connection, SyncProvider } from './provider.ts';
import { unreadableAnswer } from './refusal.ts';
import { asCount, asObject } from './wire.ts';

export async function openSync(connection: Connection): Promise<SyncProvider> {
  const { client, transport } = await openGoogleClient(connection, classifyGoogle);

  return {
    baseUrl: connection.baseUrl,

    generate: (request, signal) =>
      transport.call(signal, async (signal) => {
        const { contents, ...extraBody } = contentBody(request);
        // The SDK knows some fields, under names of its own; what it merges into the body goes out as it is in a batch.
        const config = { abortSignal: signal, httpOptions: { extraBody } };
        const params = { model: checkModel(request.model), contents, config };
        const answer = readContent(request.customId, asObject(await client.models.generateContent(params)));
        if (!answer) throw unreadableAnswer('it has no candidates');
        return answer;
      }),

    countTokens: (request, signal) =>
      transport.call(signal, async (signal) => {
        const { contents, systemInstruction } = contentBody(request) as ReturnType<typeof contentBody> & {
          systemInstruction?: object;
        };
        const model = checkModel(request.model);
        // A system text counts only as part of a whole request, which the SDK has no parameter for.
        const name = model.includes('/') ? model : `models/${model}`;
        const whole = { model: name, contents, systemInstruction };
        const extraBody = systemInstruction && { generateContentRequest: whole };
        const config = { abortSignal: signal, ...(extraBody && { httpOptions: { extraBody } }) };
        const params = { model, contents, config };
        const count = asCount(asObject(await client.models.countTokens(params)).totalTokens);
        if (count === undefined) throw unreadableAnswer('it has no totalTokens');
        return count;
      }),
  };
}
