/** The forms in which OpenAI speaks: refusals, completions, lists. */
import type { Draft } from './answers.ts';
import { type ChatRequest, chatChoice, chatUsage } from './chat.ts';
import { type Answer, json } from './http.ts';
import { type Refusal, unixSeconds } from './vendor.ts';

/** An uploaded file on disk. */
export interface OpenaiFile {
  readonly id: string;
  readonly bytes: number;
  readonly createdAt: number;
  readonly name: string;
  readonly purpose: string;
  readonly expiresAfter: number | undefined;
}

let answersSent = 0;

/** An answer with the request id that all of OpenAI's have. */
export function openaiJson(value: unknown, status = 200): Answer {
  answersSent += 1;
  return json(value, status, { 'x-request-id': `req_sandbox${answersSent}` });
}

/** A refusal as OpenAI sends it. */
export function openaiError(refusal: Refusal): Answer {
  return openaiJson(openaiErrorBody(refusal), refusal.status);
}

/** The body of a refusal, which a failed row of a batch holds too. */
export function openaiErrorBody(refusal: Refusal): object {
  const { status, message, field } = refusal;
  const code = refusal.code ?? (status === 429 ? 'rate_limit_exceeded' : null);
  return { error: { message, type: errorType(status, code), param: field ?? null, code } };
}

function errorType(status: number, code: string | null): string {
  if (code === 'insufficient_quota') return 'insufficient_quota';
  if (status === 429) return 'requests';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** The error that a prompt asked for. OpenAI has no errors inside an answer, so all of them are plain ones. */
export function refusalIn(draft: Draft): Refusal | undefined {
  if (!draft.outcome.endsWith('error')) return undefined;
  const status = draft.status < 400 ? 500 : draft.status;
  return { status, message: `The prompt asked the sandbox for error ${status}.` };
}

/** A chat completion. */
export function completion(
  request: ChatRequest,
  draft: Draft,
  id: string,
  time: number,
  thoughtsField?: string,
): object {
  return {
    id,
    object: 'chat.completion',
    created: unixSeconds(time),
    model: request.model,
    choices: [chatChoice(draft, thoughtsField)],
    usage: chatUsage(request, draft),
    service_tier: 'default',
    system_fingerprint: null,
  };
}

/** A page of a list, in OpenAI's form. */
export function listObject(data: object[], records: readonly { id: string }[], hasMore: boolean): object {
  return {
    object: 'list',
    data,
    first_id: records[0]?.id ?? null,
    last_id: records.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
