/** Fireworks' API: OpenAI's live calls, and jobs of an account over data sets. */
import { refusalIn } from '../engine/answers.ts';
import type { AnswerForm } from '../engine/live.ts';
import { isRefusedKey, type SandboxContext, type Vendor } from '../engine/vendor.ts';
import { Refused } from '../http/http.ts';
import { completion } from '../openai/chat.ts';
import { openaiVendor } from '../openai/vendor.ts';
import { fireworksRoutes } from './jobs.ts';

/** Fireworks' part of the sandbox. */
export function fireworksVendor(context: SandboxContext): Vendor {
  const form: AnswerForm = {
    refusalIn,
    write: (request, draft, id) => completion(request, draft, id, 'reasoning_content'),
  };
  const live = openaiVendor(context, 'fireworks');
  return {
    ...live,
    routes: [...live.routes, ...fireworksRoutes(context, form)],
    refuse(key, call) {
      // Signed addresses lie on other hosts: nobody's key is to come there.
      if (call.path.startsWith('/signed/'))
        return key === '' ? undefined : new Refused(400, 'A key came along to a signed address.');
      if (key !== '' && !isRefusedKey(key)) return undefined;
      return new Refused(401, key === '' ? 'Unauthorized' : `The API key you provided is invalid: ${key}.`);
    },
  };
}
