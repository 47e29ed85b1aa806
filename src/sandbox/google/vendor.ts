/** Google's Gemini API: keys and live calls; files and batches are in their own files. */
import { answerLive } from '../engine/live.ts';
import { modelsOf, pageOf } from '../engine/models.ts';
import { isRefusedKey, type SandboxContext, type Vendor } from '../engine/vendor.ts';
import { type Call, isObject, json, Refused } from '../http/http.ts';
import { GoogleBatches } from './batches.ts';
import { checkModel, contentForm, googleError, readContent } from './content.ts';
import { googleFileRoutes } from './files.ts';

/** Google's part of the sandbox. */
export function googleVendor(context: SandboxContext): Vendor {
  const batches = new GoogleBatches(context);
  const read = (body: unknown, model: string) => {
    checkModel(model);
    return readContent(body, model);
  };
  const generate = async (call: Call, model = '') =>
    json(await answerLive(context, 'google', contentForm, read(await call.json(), model)));
  /** Counts `contents`, or all of a whole request that is given as `generateContentRequest`. */
  const count = async (call: Call, model = '') => {
    const body = await call.json();
    const whole = isObject(body) ? body.generateContentRequest : undefined;
    const { promptTokens } = read(whole ?? body, model);
    const promptTokensDetails = [{ modality: 'TEXT', tokenCount: promptTokens }];
    return json({ totalTokens: promptTokens, promptTokensDetails });
  };
  return {
    name: 'google',
    routes: [
      ['generate', 'POST /*/models/{model}:generateContent', generate],
      ['countTokens', 'POST /*/models/{model}:countTokens', count],
      ['listModels', 'GET /*/models', listModels],
      ...googleFileRoutes(context, batches),
      ...batches.routes(),
    ],
    keyOf: (call) => call.header('x-goog-api-key') ?? call.query.get('key') ?? '',
    refuse: refuseKey,
    error: googleError,
  };
}

/** The token of a page is the last name of the one before; the last page has none. */
function listModels(call: Call) {
  const models = modelsOf('google');
  const { page, hasMore } = pageOf(models, call.query.get('pageToken'), call.pageSize('pageSize', 50, 1000));
  return json({
    models: page.map(({ id, context }) => ({
      ...{ name: `models/${id}`, displayName: id, inputTokenLimit: context, outputTokenLimit: 65_536 },
      supportedGenerationMethods: ['generateContent', 'countTokens', 'batchGenerateContent'],
    })),
    ...(hasMore && { nextPageToken: page.at(-1)?.id }),
  });
}

/** The address of an upload that was begun is a key in itself. */
function refuseKey(key: string, { query }: Call): Refused | undefined {
  if (key === '' && !query.has('upload_id')) {
    const what = "Method doesn't allow unregistered callers (callers without established identity).";
    const advice = 'Please use API Key or other form of API consumer identity to call this API.';
    return new Refused(403, `${what} ${advice}`);
  }
  if (!isRefusedKey(key)) return undefined;
  return new Refused(400, 'API key not valid. Please pass a valid API key.', { code: 'API_KEY_INVALID' });
}
