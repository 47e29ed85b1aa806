/** One answer per prompt, at a vendor that speaks OpenAI's protocol. */

import type { VendorConnection } from '../connection.ts';
import { asCount, asList, asObject, asText, type WireObject } from '../network/wire.ts';
import { readNext } from '../protocol/list-pages.ts';
import { collectModels, readEach, readModels } from '../protocol/model-list.ts';
import { unreadableAnswer } from '../protocol/refusal.ts';
import { errorObject, saysSomething } from '../protocol/wrappings.ts';
import type { SyncProvider } from '../provider.ts';
import { apiOf, findAnswer, readAnswer } from './api.ts';
import { openOpenAiClient } from './chat.ts';
import type { Profile } from './profile.ts';
import { isResponse } from './responses.ts';

export async function openSync(connection: VendorConnection, profile: Profile): Promise<SyncProvider> {
  const { client, transport } = await openOpenAiClient(connection, profile);
  // A response says itself that it failed, with a word for it; a chat completion has no place for that.
  const findError = (body: WireObject) =>
    profile.upstreamErrors && !isResponse(body) ? findUpstreamError(body) : findCompatibleError(body);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (call) => {
        const api = apiOf(request.settings);
        const body = api.body(profile, request);
        const answer = await client.post(api.path, { ...call.options, body });
        const held = findAnswer(answer);
        const found = findError(held ?? asObject(answer));
        if (found) throw transport.refuse(found.status, { error: found.error });
        if (!held) throw unreadableAnswer(`it is not a ${api.answers}`);
        const tier = profile.tiers && asText(held[profile.tiers.field]);
        return { ...readAnswer(request.customId, held), ...(tier && { tier }) };
      }),

    ...(profile.keyPath !== undefined && {
      checkKey: (signal: AbortSignal) =>
        transport.call(signal, async (call) => {
          await client.get(profile.keyPath as string, call.options);
        }),
    }),

    listModels: (signal) =>
      collectModels((after) =>
        transport.call(signal, async (call) => {
          await client.get('/models', { ...call.options, ...(after !== undefined && { query: { after } }) });
          const answer = call.answer();
          const models = readEach(readModels(answer));
          return { models, next: readNext('models', answer?.has_more, models.at(-1)?.id ?? '') };
        }),
      ),
  };
}

/** Once the upstream has been asked, the status is 200 whatever comes. */
function findUpstreamError(body: WireObject) {
  const choice = asObject(asList(body.choices)[0]);
  const brokenOff = choice.finish_reason === 'error' && { message: 'The upstream broke off its answer.' };
  const found = [body.error, choice.error, brokenOff].find(saysSomething);
  if (found === undefined) return undefined;
  const error = asObject(found);
  return { status: readErrorStatus(error) ?? 502, error };
}

/** OpenAI itself sends none; servers that speak like it do: `{"error": …}`, or vLLM's `{"object": "error", …}`. */
function findCompatibleError(body: WireObject) {
  const found = body.object === 'error' ? body : body.error;
  if (!saysSomething(found)) return undefined;
  const error = errorObject(found);
  return { status: readErrorStatus(error) ?? guessStatus(error), error };
}

/** What the words of an error without a status come to. */
function guessStatus(error: WireObject): number {
  // LM Studio's answer to an address that it does not have (lmstudio-ai/lmstudio-bug-tracker#618).
  if (/unexpected endpoint/i.test(asText(error.message))) return 404;
  const words = `${asText(error.type)} ${asText(error.code)}`;
  if (/rate_limit/i.test(words)) return 429;
  return /server_error|internal|overloaded|unavailable|timeout/i.test(words) ? 500 : 400;
}

/** The HTTP status that an error within an answer of status 200 has as its code. */
function readErrorStatus(error: WireObject): number | undefined {
  const code = asCount(error.code) ?? 0;
  return code >= 400 && code <= 599 ? code : undefined;
}
