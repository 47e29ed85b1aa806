/** Mistral's API: OpenAI's chat completions with fields of its own; jobs are in their own file. */
import { isUnknownModel, type ModelRequest, refusalIn } from '../engine/answers.ts';
import { unknownFieldAmong } from '../engine/fields.ts';
import { type AnswerForm, answerLive } from '../engine/live.ts';
import { modelsOf } from '../engine/models.ts';
import { isRefusedKey, type SandboxContext, type Vendor } from '../engine/vendor.ts';
import { type Call, isObject, json, Refused } from '../http/http.ts';
import { completion, readChat } from '../openai/chat.ts';
import { mistralErrorBody } from './error-body.ts';
import { mistralJobRoutes } from './jobs.ts';

/** `ChatCompletionRequest` of its SDK, 2.7.0. */
const findUnknown = unknownFieldAmong(
  'model temperature top_p max_tokens stream stop random_seed metadata messages response_format tools tool_choice',
  'presence_penalty frequency_penalty n prediction parallel_tool_calls reasoning_effort prompt_mode guardrails',
  'prompt_cache_key service_tier safe_prompt',
);

const form: AnswerForm = {
  refusalIn,
  write(request, draft, id) {
    const { system_fingerprint: _, service_tier: __, ...whole } = completion(request, draft, id, undefined);
    return whole;
  },
};

/** Mistral's part of the sandbox. */
export function mistralVendor(context: SandboxContext): Vendor {
  const generate = async (call: Call) =>
    json(await answerLive(context, 'mistral', form, read(await call.json())));
  return {
    name: 'mistral',
    routes: [
      ['generate', 'POST /v1/chat/completions', generate],
      [
        'listModels',
        'GET /v1/models',
        () => json({ object: 'list', data: modelsOf('mistral').map(listModel) }),
      ],
      ...mistralJobRoutes(context, form, read),
    ],
    keyOf: (call) => call.bearerKey(),
    refuse: (key) => (key === '' || isRefusedKey(key) ? new Refused(401, 'Invalid API Key') : undefined),
    error: (refusal) => json(mistralErrorBody(refusal), refusal.status),
  };
}

function read(body: unknown): ModelRequest {
  if (isObject(body)) {
    const unknown = findUnknown(body);
    if (unknown !== undefined) throw new Refused(422, `${unknown}: Extra inputs are not permitted`);
    if (Number(body.temperature ?? 0) > 1.5)
      throw new Refused(422, 'temperature: Input should be less than or equal to 1.5');
    if (typeof body.model === 'string' && isUnknownModel(body.model))
      throw new Refused(400, `Invalid model: ${body.model}`, { code: 'invalid_model' });
  }
  return readChat(body, false);
}

function listModel({ id, context }: ReturnType<typeof modelsOf>[number]) {
  return { id, object: 'model', created: 0, owned_by: 'mistralai', max_context_length: context };
}
