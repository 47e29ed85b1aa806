/** What batch and live calls share at OpenAI and at servers that speak like it: client, request, answer, refusals. */
import {
  isCutOff,
  type PromptRequest,
  type ProviderName,
  type RowResult,
  type Usage,
} from '../../core/models.ts';
import { ownAddresses } from '../addresses.ts';
import type { Connection } from '../connection.ts';
import { asCount, asList, asObject, asText, asTokens, firstText, type WireObject } from '../network/wire.ts';
import { readReason } from '../protocol/reasons.ts';
import { type Classify, scopeOfStatus, unreadableAnswer } from '../protocol/refusal.ts';
import { findHeld, saysSomething } from '../protocol/wrappings.ts';
import type { SyncProvider } from '../provider.ts';
import { settingsBody } from '../settings.ts';
import { noTimeLimit, openTransport, withoutVariables } from '../transport/transport.ts';

/** How one vendor that speaks OpenAI's chat protocol differs from the others. */
export interface ChatVendor {
  readonly name: ProviderName;
  readonly classify: Classify;
  /** OPENAI_ORG_ID and OPENAI_PROJECT_ID are for OpenAI only. */
  readonly accountHeaders: boolean;
  /** The error within an answer of status 200, where the vendor has a way of its own to send such. */
  findError?(body: WireObject): { readonly status: number; readonly error: WireObject } | undefined;
}

/** Refusals that last until somebody pays. */
const billingCodes = ['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active'];

/** How a server may call a refused key; another word on a 401 (`account_deactivated`) is kept. */
const keyCodes = ['', 'invalid_api_key', 'invalid_request_error', 'authentication_error'];

export async function openOpenAiClient(connection: Connection, vendor: ChatVendor) {
  const baseUrl = (connection.baseUrl ?? ownAddresses[vendor.name][0]).replace(/\/+$/, '');
  const transport = await openTransport(connection, baseUrl, vendor.classify);
  const { default: OpenAI } = await import('openai');
  const { OPENAI_ORG_ID, OPENAI_PROJECT_ID } = vendor.accountHeaders ? connection.environment : {};
  const client = withoutVariables(
    /^OPENAI_/,
    () =>
      new OpenAI({
        // The SDK wants one in any case.
        apiKey: connection.apiKey ?? 'none',
        ...(connection.apiKey === undefined && { defaultHeaders: { authorization: null } }),
        baseURL: baseUrl,
        organization: OPENAI_ORG_ID || null,
        project: OPENAI_PROJECT_ID || null,
        timeout: noTimeLimit,
        maxRetries: 0,
        logLevel: 'off',
        fetch: transport.fetch,
      }),
  );
  return { client, transport };
}

/** Live calls at a vendor that speaks OpenAI's chat protocol. */
export async function openChatSync(connection: Connection, vendor: ChatVendor): Promise<SyncProvider> {
  const { client, transport } = await openOpenAiClient(connection, vendor);

  return {
    generate: (request, signal) =>
      transport.call(signal, async (signal) => {
        const answer = await client.chat.completions.create(chatBody(vendor.name, request), { signal });
        const completion = findCompletion(answer);
        const findError = vendor.findError ?? findCompatibleError;
        const found = findError(completion ?? asObject(answer));
        if (found) throw transport.refuse(found.status, { error: found.error });
        if (!completion) throw unreadableAnswer('it is no chat completion');
        return readChatAnswer(request.customId, completion);
      }),
  };
}

/** The provider says which names its settings have. */
export function chatBody(provider: ProviderName, { model, prompt, settings }: PromptRequest) {
  const { messages, ...fields } = settingsBody(provider, settings);
  const user = { role: 'user' as const, content: prompt };
  return { model, messages: [...(asList(messages) as (typeof user)[]), user], ...fields };
}

/** The chat completion in an answer, if there is one, however it is wrapped. */
export function findCompletion(answer: unknown): WireObject | undefined {
  return findHeld(answer, ({ choices }) => Array.isArray(choices));
}

/** The row's result from a chat completion. */
export function readChatAnswer(customId: string, body: WireObject): RowResult {
  const choice = asObject(asList(body.choices)[0]);
  const message = asObject(choice.message);
  const text = readContent(message.content);
  const facts = {
    usage: readUsage(asObject(body.usage)),
    finishReason: asText(choice.finish_reason) || undefined,
  };
  const failed = (kind: string, reason: string, answered?: string): RowResult => ({
    customId,
    outcome: 'failed',
    error: { kind, message: reason },
    ...(answered && { text: answered }),
    ...facts,
  });
  const refusal = asText(message.refusal);
  if (refusal) return failed('refusal', refusal);
  if (choice.finish_reason === 'content_filter')
    return failed('content_filter', 'The answer was held back by a content filter.', text);
  if (text) return { customId, outcome: 'succeeded', text, ...facts };
  if (isCutOff(facts)) return failed('max_tokens', 'The token limit was reached before any text.');
  const { code, number, message: reason } = readReason(choice.error, body.error);
  if (reason) return failed(code || (number ? `http_${number}` : 'failed'), reason);
  return failed('empty', 'The answer has no text.');
}

/** Thoughts are among the completion tokens, cached tokens among those of the prompt. `cost` is OpenRouter's. */
function readUsage(usage: WireObject): Usage | undefined {
  const [input, output] = [asTokens(usage.prompt_tokens), asTokens(usage.completion_tokens)];
  if (input === undefined && output === undefined) return undefined;
  return {
    inputTokens: input ?? 0,
    outputTokens: output ?? 0,
    cacheReadTokens: asTokens(asObject(usage.prompt_tokens_details).cached_tokens) || undefined,
    cost: asTokens(usage.cost),
  };
}

export const classifyOpenAi: Classify = ({ status, code, message }) => {
  if (status === 401) return { scope: 'run', code: keyCodes.includes(code) ? 'invalid_api_key' : code };
  if (billingCodes.includes(code)) return { scope: 'run' };
  if (code === 'model_not_found' || /invalid model id/i.test(message))
    return { scope: 'run', code: 'model_not_found' };
  // A file is not yet visible in the first moments after its upload (bespokelabsai/curator#116).
  if (status === 400 && /cannot find file/i.test(message)) return { scope: 'retry', code: 'file_not_found' };
  // More tokens than the limit lets through in a minute: no wait makes room for it.
  if ([413, 429].includes(status) && /request too large/i.test(message))
    return { scope: 'row', code: 'request_too_large' };
  return { scope: scopeOfStatus(status) };
};

export const openAi: ChatVendor = {
  name: 'openai',
  classify: classifyOpenAi,
  accountHeaders: true,
};

/** OpenAI itself sends none; servers that speak like it do: `{"error": …}`, or vLLM's `{"object": "error", …}`. */
function findCompatibleError(body: WireObject) {
  const found = body.object === 'error' ? body : body.error;
  if (!saysSomething(found)) return undefined;
  const error = typeof found === 'string' ? { message: found } : asObject(found);
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
export function readErrorStatus(error: WireObject): number | undefined {
  const code = asCount(error.code) ?? 0;
  return code >= 400 && code <= 599 ? code : undefined;
}

/** Text, or with some compatible servers a list of parts. */
function readContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return asList(content)
    .map((part) => (typeof part === 'string' ? part : firstText(asObject(part).text)))
    .join('');
}
