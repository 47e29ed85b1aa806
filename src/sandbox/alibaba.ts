/** Alibaba Cloud Model Studio: OpenAI's protocol below `/compatible-mode`, as its page on batches describes it. */
import { openFields } from './chat-fields.ts';
import type { Call } from './http.ts';
import { openaiOperation } from './openai.ts';
import { type OpenaiDialect, withDialect } from './openai-dialect.ts';
import { openaiError, refusalIn } from './openai-forms.ts';
import { bearerKey, type Refusal, refusedKeyPrefix, type Vendor, type Workshop } from './vendor.ts';

const prefix = '/compatible-mode';

const modelStudio: OpenaiDialect = {
  vendor: 'alibaba',
  fields: openFields,
  files: 'alibaba/files',
  batches: 'alibaba/batches',
  purposes: ['batch', 'file-extract'],
  fileIds: { input: 'file-batch-', output: 'file-batch_output-', errors: 'file-batch_output-errors-' },
  returnsUploads: false,
  longestWindowHours: 336,
  longestMetadata: { ds_name: 100, ds_description: 200 },
  nameField: 'ds_name',
  thoughtsField: 'reasoning_content',
  // Its filter refuses the call; there is no field for a refusal in an answer.
  refusalIn: (draft) =>
    draft.outcome === 'blocked' || draft.outcome === 'refused' ? inspectionFailed : refusalIn(draft),
  failedRow: ({ code, status, message }) => ({
    body: null,
    error: { code: code ?? (status >= 500 ? 'internal_error' : 'invalid_parameter_error'), message },
  }),
};

const inspectionFailed: Refusal = {
  status: 400,
  code: 'data_inspection_failed',
  message: 'Input data may contain inappropriate content.',
};

/** Model Studio's part of the sandbox. */
export function alibabaVendor(shared: Workshop): Vendor {
  const workshop = withDialect(shared, modelStudio);
  return {
    name: 'alibaba',
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
