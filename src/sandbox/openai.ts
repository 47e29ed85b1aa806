/** OpenAI's API: keys, errors and live calls, which other vendors share; files and batches are in their own files. */
import { countTokens, type Draft, draftAnswer } from './answers.ts';
import { type ChatRequest, readChat } from './chat.ts';
import { openaiFields } from './chat-fields.ts';
import { type Answer, type Call, isObject, type Operation, parseJson } from './http.ts';
import { openaiBatchOperation } from './openai-batches.ts';
import { type ChatDialect, type OpenaiDialect, type OpenaiWorkshop, withDialect } from './openai-dialect.ts';
import { openaiFileOperation } from './openai-files.ts';
import { completion, openaiError, openaiErrorBody, openaiJson, refusalIn } from './openai-forms.ts';
import {
  bearerKey,
  isRefusal,
  type Refusal,
  refusedKeyPrefix,
  type Vendor,
  type Workshop,
} from './vendor.ts';

let answersGiven = 0;

/** Of OpenAI itself. */
export const openaiDialect: OpenaiDialect = {
  vendor: 'openai',
  fields: openaiFields,
  purposes: ['assistants', 'batch', 'fine-tune', 'vision', 'user_data', 'evals'],
  fileIds: { input: 'file-', output: 'file-output', errors: 'file-errors' },
  limits: {
    requests: 50_000,
    batchBytes: 200_000_000,
    fileBytes: 512_000_000,
    lineBytes: Number.MAX_SAFE_INTEGER,
  },
  returnsUploads: true,
  longestWindowHours: 24,
  longestMetadata: {},
  nameField: undefined,
  thoughtsField: undefined,
  refusalIn,
  // The refusal is in the body. Status 0 with nothing at all has been seen too.
  failedRow: (refusal) => ({ body: refusal.status === 0 ? {} : openaiErrorBody(refusal), error: null }),
};

/** OpenAI's part of the sandbox. */
export function openaiVendor(shared: Workshop): Vendor {
  const workshop = withDialect(shared, openaiDialect);
  const count: Operation = { kind: 'countTokens', run: (call) => answerCount(call.body) };
  return {
    name: 'openai',
    keyOf: bearerKey,
    refuse: refuseKey,
    error: openaiError,
    operation(call: Call) {
      if (call.method === 'POST' && call.path === '/v1/responses/input_tokens') return count;
      return openaiOperation(workshop, call);
    },
  };
}

/** What a call asks for at every vendor of this protocol: a live answer, files, batches. */
export function openaiOperation(workshop: OpenaiWorkshop, call: Call): Operation | undefined {
  return (
    chatOperation(workshop, call) ??
    openaiFileOperation(workshop, call) ??
    openaiBatchOperation(workshop, call)
  );
}

/** What a call asks for where there are live answers only. */
export function chatOperation(workshop: ChatWorkshop, call: Call): Operation | undefined {
  if (call.method !== 'POST' || call.path !== '/v1/chat/completions') return undefined;
  return { kind: 'generate', run: ({ body }) => answerChat(workshop, body) };
}

type ChatWorkshop = Workshop & { readonly dialect: ChatDialect };

/** The real one masks the key it shows; this one does not, so that a client has something to hide. */
function refuseKey(key: string): Refusal | undefined {
  const where = 'You can find your API key at https://platform.openai.com/account/api-keys.';
  if (key === '') {
    return { status: 401, message: `You didn't provide an API key. ${where}` };
  }
  if (!key.startsWith(refusedKeyPrefix)) return undefined;
  return { status: 401, message: `Incorrect API key provided: ${key}. ${where}`, code: 'invalid_api_key' };
}

function answerChat(workshop: ChatWorkshop, body: string): Answer | Promise<Answer> {
  const request = readChat(parseJson(body), workshop.dialect.fields);
  if (isRefusal(request)) return openaiError(request);
  const draft = draftAnswer(request.model, request.prompt, request.wish);
  if (draft.slowMs > 0) return workshop.wait(draft.slowMs).then(() => completeChat(workshop, request, draft));
  return completeChat(workshop, request, draft);
}

function completeChat(workshop: ChatWorkshop, request: ChatRequest, draft: Draft): Answer {
  const { vendor, thoughtsField } = workshop.dialect;
  const refusal = workshop.dialect.refusalIn(draft);
  if (refusal !== undefined) return openaiError(refusal);
  workshop.statistics.answered(vendor, request.prompt);
  answersGiven += 1;
  return openaiJson(completion(request, draft, `chatcmpl-sandbox${answersGiven}`, Date.now(), thoughtsField));
}

/** Counts the input of the Responses API, which is what OpenAI counts: `input` and `instructions`. */
function answerCount(body: string): Answer {
  const request = parseJson(body);
  if (!isObject(request))
    return openaiError({ status: 400, message: 'We could not parse the JSON body of your request.' });
  const text =
    inputText(request.input) + (typeof request.instructions === 'string' ? request.instructions : '');
  return openaiJson({ object: 'response.input_tokens', input_tokens: countTokens(text) });
}

function inputText(input: unknown): string {
  if (typeof input === 'string') return input;
  if (Array.isArray(input)) return input.map(inputText).join('');
  if (!isObject(input)) return '';
  return typeof input.text === 'string' ? input.text : inputText(input.content);
}
