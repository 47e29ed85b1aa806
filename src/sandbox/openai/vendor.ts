/** A vendor that speaks OpenAI's protocol: keys and live calls; files and batches are in their own files. */
import { type AnswerForm, answerLive } from '../engine/live.ts';
import { modelsOf } from '../engine/models.ts';
import { isRefusedKey, type SandboxContext, type Vendor } from '../engine/vendor.ts';
import { Refused, type Route } from '../http/http.ts';
import type { CompatibleName } from '../vendors.ts';
import { OpenaiBatches, type Readers } from './batches.ts';
import { completion, openaiError, openaiJson, readChat } from './chat.ts';
import { dialects } from './dialects.ts';
import { openaiFileRoutes } from './files.ts';
import { readResponses, writeResponse } from './responses.ts';
import { signedPath, togetherRoutes } from './together.ts';

/** The part of such a vendor in the sandbox. */
export function openaiVendor(context: SandboxContext, name: CompatibleName): Vendor {
  const { prefix, needsKey, refusesUnknownFields, hasResponses, thoughtsField, refusalIn, batches } =
    dialects[name];
  const form: AnswerForm = {
    refusalIn,
    write: (request, draft, id) =>
      request.api === 'responses'
        ? writeResponse(request, draft, id)
        : completion(request, draft, `chatcmpl-${id}`, thoughtsField),
  };
  const readers: Readers = {
    '/chat/completions': (body) => readChat(body, refusesUnknownFields),
    ...(hasResponses && { '/responses': (body) => readResponses(body, refusesUnknownFields) }),
  };
  const list = () =>
    openaiJson({
      object: 'list',
      data: modelsOf(name).map(({ id }) => ({ id, object: 'model', created: 0, owned_by: 'sandbox' })),
    });
  const routes: Route[] = Object.entries(readers).map(([path, read]) => [
    'generate',
    `POST /v1${path}`,
    async (call) => openaiJson(await answerLive(context, name, form, read(await call.json()))),
  ]);
  routes.push(['listModels', 'GET /v1/models', list]);
  if (batches !== undefined) {
    const own = new OpenaiBatches(context, name, batches, form, readers);
    routes.push(...(name === 'together' ? togetherRoutes(own) : [...own.routes(), ...openaiFileRoutes(own)]));
  }
  return {
    name,
    routes: routes.map(([kind, address, run]) => [kind, address.replace(' ', ` ${prefix}`), run]),
    keyOf: (call) => call.bearerKey(),
    refuse: (key, { path }) => (needsKey && !path.startsWith(signedPath) ? refuseKey(key, name) : undefined),
    error: openaiError,
  };
}

/** The real ones mask the key that they show; this one does not, so that a client has something to hide. */
function refuseKey(key: string, name: CompatibleName): Refused | undefined {
  const place = name === 'openai' ? ' at https://platform.openai.com/account/api-keys' : ' in your account';
  const where = `You can find your API key${place}.`;
  if (key === '') return new Refused(401, `You didn't provide an API key. ${where}`);
  if (!isRefusedKey(key)) return undefined;
  return new Refused(401, `Incorrect API key provided: ${key}. ${where}`, { code: 'invalid_api_key' });
}
