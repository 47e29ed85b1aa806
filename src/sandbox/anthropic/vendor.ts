/** Anthropic's API: keys, versions and live calls; batches are in their own file. */
import { answerLive } from '../engine/live.ts';
import { modelsOf, pageOf } from '../engine/models.ts';
import { isoTime, isRefusedKey, type SandboxContext, type Vendor } from '../engine/vendor.ts';
import { type Call, Refused } from '../http/http.ts';
import { anthropicBatchRoutes } from './batches.ts';
import {
  anthropicError,
  anthropicJson,
  checkShape,
  messageForm,
  readMessage,
  takesSampling,
  versionWithoutSampling,
} from './messages.ts';

const versions = ['2023-01-01', '2023-06-01', versionWithoutSampling];

/** Anthropic's part of the sandbox. */
export function anthropicVendor(context: SandboxContext): Vendor {
  const read = async (call: Call, needsMaxTokens: boolean) => {
    const params = await call.json();
    checkShape(params, '', { takesSampling: takesSampling(call), needsMaxTokens });
    return readMessage(params);
  };
  const generate = async (call: Call) =>
    anthropicJson(await answerLive(context, 'anthropic', messageForm, await read(call, true)));
  const count = async (call: Call) => anthropicJson({ input_tokens: (await read(call, false)).promptTokens });
  return {
    name: 'anthropic',
    routes: [
      ['generate', 'POST /v1/messages', generate],
      ['countTokens', 'POST /v1/messages/count_tokens', count],
      ['listModels', 'GET /v1/models', listModels],
      ...anthropicBatchRoutes(context),
    ],
    // Its SDK has sent either header, by version.
    keyOf: (call) => call.header('x-api-key') ?? call.bearerKey(),
    refuse: refuseHeaders,
    error: anthropicError,
  };
}

function listModels(call: Call) {
  const models = modelsOf('anthropic');
  const { page, hasMore } = pageOf(models, call.query.get('after_id'), call.pageSize('limit', 20, 1000));
  return anthropicJson({
    data: page.map(({ id, context }) => ({
      ...{ type: 'model', id, display_name: id, created_at: isoTime(0) },
      max_input_tokens: context,
    })),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: hasMore,
  });
}

function refuseHeaders(key: string, call: Call): Refused | undefined {
  if (key === '') return new Refused(401, 'x-api-key header is required');
  if (isRefusedKey(key)) return new Refused(401, 'invalid x-api-key');
  const version = call.header('anthropic-version');
  if (version === undefined) return new Refused(400, 'anthropic-version: header is required');
  if (versions.includes(version)) return undefined;
  return new Refused(400, `anthropic-version: "${version}" is not a valid version`);
}
