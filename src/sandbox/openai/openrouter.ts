/** OpenRouter's API: OpenAI's chat completions with its own errors, some of which come as HTTP 200, and with costs. */
import { isUnknownModel, type ModelRequest, refusalIn } from '../engine/answers.ts';
import { type AnswerForm, answerLive } from '../engine/live.ts';
import { modelsOf } from '../engine/models.ts';
import { isRefusedKey, type SandboxContext, type Vendor } from '../engine/vendor.ts';
import { type Call, isObject, json, Refused, type Route } from '../http/http.ts';
import type { Readers } from './batches.ts';
import { completion, readChat } from './chat.ts';
import { openrouterBatchRoutes } from './openrouter-batches.ts';
import { readResponses, writeResponse } from './responses.ts';

/** US dollars for a token, so that costs are not zero and can be added up by hand. */
const pricePerToken = 0.000001;

const form: AnswerForm = {
  refusalIn(draft, request) {
    if (draft.outcome === 'blocked') return moderated(request);
    return draft.outcome === 'error' ? refusalIn(draft) : undefined;
  },
  write(request, draft, id, isBatch) {
    const price = isBatch ? pricePerToken / 2 : pricePerToken;
    const refusal = refusalIn(draft);
    const broken = refusal && errorBody(refusal);
    if (broken && draft.outcome === 'body-error') return broken;
    if (request.api === 'responses') {
      const { usage, ...whole } = writeResponse(request, draft, id);
      return { ...whole, usage: priced(usage, price) };
    }
    const { choices, usage, ...whole } = completion(request, draft, `gen-${id}`, 'reasoning');
    return {
      ...whole,
      provider: 'Sandbox',
      choices: broken ? [{ ...choices[0], finish_reason: 'error', ...broken }] : choices,
      usage: priced(usage, price),
    };
  },
};

function priced<Counts extends { readonly total_tokens: number }>(usage: Counts, price: number) {
  return { ...usage, cost: Number((usage.total_tokens * price).toFixed(9)) };
}

/** OpenRouter's part of the sandbox. */
export function openrouterVendor(context: SandboxContext): Vendor {
  const readers: Readers = {
    '/chat/completions': (body) => readChat(body, false),
    '/responses': (body) => readResponses(body, false),
  };
  const generate = (read: (body: unknown) => ModelRequest) => async (call: Call) => {
    const request = await call.json();
    const model = isObject(request) ? String(request.model) : '';
    if (isUnknownModel(model)) throw new Refused(400, `${model} is not a valid model ID`);
    return json(await answerLive(context, 'openrouter', form, read(request)));
  };
  return {
    name: 'openrouter',
    routes: [
      ...Object.entries(readers).map(
        ([path, read]): Route => ['generate', `POST /api/v1${path}`, generate(read)],
      ),
      ['getKey', 'GET /api/v1/key', () => json({ data: { label: 'sandbox', limit: null, usage: 0 } })],
      ['listModels', 'GET /api/v1/models', () => json({ data: modelsOf('openrouter').map(listModel) })],
      ...openrouterBatchRoutes(context, form, readers),
    ],
    keyOf: (call) => call.bearerKey(),
    refuse(key) {
      if (key === '') return new Refused(401, 'No auth credentials found');
      return isRefusedKey(key) ? new Refused(401, 'User not found.') : undefined;
    },
    error: (refusal) => json(errorBody(refusal), refusal.status),
  };
}

/** Prices are for a token, and texts. */
function listModel({ id, context }: ReturnType<typeof modelsOf>[number]) {
  const price = String(pricePerToken);
  return { id, context_length: context, pricing: { prompt: price, completion: price } };
}

/** A refusal as OpenRouter sends it: the code is a number. */
function errorBody({ status, message, details }: Refused): { error: object } {
  const atProvider = status === 429 || status >= 500;
  const metadata = atProvider ? { provider_name: 'Sandbox', raw: message } : details.metadata;
  return { error: { message, code: status, ...(metadata && { metadata }) } };
}

/** A prompt that a moderation refused: 403 with its reasons in the metadata (OpenRouter's page on errors). */
function moderated({ model, prompt }: ModelRequest): Refused {
  const message = `${model} requires moderation on Sandbox. Your input was flagged for "violence".`;
  const flagged = { reasons: ['violence'], flagged_input: prompt.slice(0, 100) };
  return new Refused(403, message, {
    metadata: { ...flagged, provider_name: 'Sandbox', model_slug: model },
  });
}
