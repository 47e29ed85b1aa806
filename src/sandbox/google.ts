/** Google's Gemini API: keys, errors and live calls; files and batches are in their own files. */
import { type Draft, draftAnswer } from './answers.ts';
import { googleBatchOperation } from './google-batches.ts';
import { googleFileOperation } from './google-files.ts';
import {
  type ContentRequest,
  contentResponse,
  googleError,
  googleRefusalIn,
  googleUnknownModel,
  readContent,
} from './google-forms.ts';
import { type Answer, type Call, isObject, json, type Operation, parseJson } from './http.ts';
import { headerOf, isRefusal, type Refusal, refusedKeyPrefix, type Vendor, type Workshop } from './vendor.ts';

let answersGiven = 0;

/** Google's part of the sandbox. */
export function googleVendor(workshop: Workshop): Vendor {
  return {
    name: 'google',
    keyOf: (call) => headerOf(call, 'x-goog-api-key') ?? new URLSearchParams(call.query).get('key') ?? '',
    refuse: refuseKey,
    error: googleError,
    operation(call: Call) {
      const found = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):(generateContent|countTokens)$/.exec(call.path);
      if (found === null || call.method !== 'POST') {
        return googleFileOperation(workshop, call) ?? googleBatchOperation(workshop, call);
      }
      const model = found[1] as string;
      if (found[2] === 'countTokens') return { kind: 'countTokens', run: () => answerCount(model, call) };
      return { kind: 'generate', run: () => answerContent(workshop, model, call) } satisfies Operation;
    },
  };
}

/** The address of an upload that was begun is a key in itself. */
function refuseKey(key: string, call: Call): Refusal | undefined {
  if (key === '' && !call.query.includes('upload_id=')) {
    const message =
      "Method doesn't allow unregistered callers (callers without established identity). " +
      'Please use API Key or other form of API consumer identity to call this API.';
    return { status: 403, message };
  }
  if (!key.startsWith(refusedKeyPrefix)) return undefined;
  return { status: 400, message: 'API key not valid. Please pass a valid API key.', code: 'API_KEY_INVALID' };
}

function answerContent(workshop: Workshop, model: string, call: Call): Answer | Promise<Answer> {
  const request = googleUnknownModel(model) ?? readContent(parseJson(call.body));
  if (isRefusal(request)) return googleError(request);
  const draft = draftAnswer(model, request.prompt, request.wish);
  if (draft.slowMs > 0)
    return workshop.wait(draft.slowMs).then(() => completeContent(workshop, model, request, draft));
  return completeContent(workshop, model, request, draft);
}

function completeContent(workshop: Workshop, model: string, request: ContentRequest, draft: Draft): Answer {
  const refusal = googleRefusalIn(draft);
  if (refusal !== undefined) return googleError(refusal);
  workshop.statistics.answered('google', request.prompt);
  answersGiven += 1;
  return json(contentResponse(model, request, draft, `sandbox${answersGiven}`));
}

/** Counts `contents`, or all of a whole request that is given as `generateContentRequest`. */
function answerCount(model: string, call: Call): Answer {
  const body = parseJson(call.body);
  const whole = isObject(body) ? body.generateContentRequest : undefined;
  const request = googleUnknownModel(model) ?? readContent(whole ?? body);
  if (isRefusal(request)) return googleError(request);
  const promptTokensDetails = [{ modality: 'TEXT', tokenCount: request.promptTokens }];
  return json({ totalTokens: request.promptTokens, promptTokensDetails });
}
