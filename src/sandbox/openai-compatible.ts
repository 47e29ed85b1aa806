/** Vendors that speak OpenAI's protocol below a path of their own. */
import type { Call } from './http.ts';
import { openaiOperation } from './openai.ts';
import { type OpenaiDialect, withDialect } from './openai-dialect.ts';
import { openaiError } from './openai-forms.ts';
import { bearerKey, type Refusal, refusedKeyPrefix, type Vendor, type Workshop } from './vendor.ts';

/** `prefix` is what stands before `/v1`. */
export function compatibleVendor(shared: Workshop, dialect: OpenaiDialect, prefix: string): Vendor {
  const workshop = withDialect(shared, dialect);
  return {
    name: dialect.vendor,
    keyOf: bearerKey,
    refuse: refuseKey,
    error: openaiError,
    operation(call: Call) {
      if (!call.path.startsWith(`${prefix}/`)) return undefined;
      return openaiOperation(workshop, { ...call, path: call.path.slice(prefix.length) });
    },
  };
}

function refuseKey(key: string): Refusal | undefined {
  if (key === '') {
    return { status: 401, message: "You didn't provide an API key.", code: 'invalid_api_key' };
  }
  if (!key.startsWith(refusedKeyPrefix)) return undefined;
  return { status: 401, message: 'Incorrect API key provided.', code: 'invalid_api_key' };
}
