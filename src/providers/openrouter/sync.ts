/** OpenRouter: OpenAI's client at another address, and errors that come with HTTP 200. */

import type { Connection } from '../connection.ts';
import { asList, asObject, firstText, type WireObject } from '../network/wire.ts';
import { type ChatVendor, classifyOpenAi, openChatSync, readErrorStatus } from '../openai/chat.ts';
import type { Classify } from '../protocol/refusal.ts';
import { saysSomething } from '../protocol/wrappings.ts';
import type { SyncProvider } from '../provider.ts';

export function openSync(connection: Connection): Promise<SyncProvider> {
  return openChatSync(connection, openRouter);
}

export const classifyOpenRouter: Classify = (refusal) => {
  const { status, message, error } = refusal;
  // Its code is the status once more; its word stands elsewhere.
  const code = firstText(
    asObject(error.availability).code,
    asObject(error.metadata).error_type,
    error.error_type,
    refusal.code,
  );
  // 403 is a prompt that a moderation or guardrail stopped, or a key that is of another kind or has spent its own limit.
  if (status === 403) return { scope: aboutKey.test(message) ? 'run' : 'row', code };
  if (status === 400 && /not a valid model/i.test(message)) return { scope: 'run', code: 'model_not_found' };
  return { code, ...classifyOpenAi({ ...refusal, code }) };
};

const aboutKey = /^(?!.*\b(?:flagged|blocked|moderation)\b).*\b(?:keys?|credits?)\b/is;

/** Once the upstream has been asked, the status is 200 whatever comes (OpenRouter's page on errors). */
function findError(body: WireObject) {
  const choice = asObject(asList(body.choices)[0]);
  const brokenOff = choice.finish_reason === 'error' && { message: 'The upstream broke off its answer.' };
  const found = [body.error, choice.error, brokenOff].find(saysSomething);
  if (found === undefined) return undefined;
  const error = asObject(found);
  return { status: readErrorStatus(error) ?? 502, error };
}

const openRouter: ChatVendor = {
  name: 'openrouter',
  classify: classifyOpenRouter,
  accountHeaders: false,
  findError,
};
