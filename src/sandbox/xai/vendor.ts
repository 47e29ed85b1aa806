/** xAI's API: OpenAI's live calls, with errors and batches of its own. */

import { refusalIn } from '../engine/answers.ts';
import type { AnswerForm } from '../engine/live.ts';
import { isRefusedKey, type SandboxContext, type Vendor } from '../engine/vendor.ts';
import { type Refused as Refusal, Refused } from '../http/http.ts';
import { completion, openaiJson } from '../openai/chat.ts';
import { openaiVendor } from '../openai/vendor.ts';
import { xaiBatchRoutes } from './batches.ts';

/** Eight tenths of a millionth of a dollar, of which a tick is a ten thousand millionth. */
const ticksPerToken = 8_000;

/** xAI's part of the sandbox. */
export function xaiVendor(context: SandboxContext): Vendor {
  const form: AnswerForm = {
    refusalIn,
    write(request, draft, id) {
      const { usage, ...whole } = completion(request, draft, id, 'reasoning_content');
      return { ...whole, usage: { ...usage, cost_in_usd_ticks: usage.total_tokens * ticksPerToken } };
    },
  };
  const live = openaiVendor(context, 'xai');
  return {
    ...live,
    routes: [...live.routes, ...xaiBatchRoutes(context, form)],
    refuse(key) {
      const where = 'You can obtain an API key in your account.';
      if (key === '') return new Refused(401, `No API key was given. ${where}`);
      return isRefusedKey(key) ? new Refused(400, `Incorrect API key provided: ${key}. ${where}`) : undefined;
    },
    error: ({ status, message, details }: Refusal) =>
      openaiJson({ code: details.code ?? codeOf(status), error: message }, status),
  };
}

/** Sentences, as people met them. */
function codeOf(status: number): string {
  if (status === 404) return 'Some requested entity was not found';
  if (status === 429) return 'Some resource has been exhausted';
  return status < 500 ? 'Client specified an invalid argument' : 'The service is currently unavailable';
}
