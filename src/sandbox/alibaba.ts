/** Alibaba Cloud Model Studio: OpenAI's protocol below `/compatible-mode`, as its page on batches describes it. */
import { openFields } from './chat-fields.ts';
import { compatibleVendor } from './openai-compatible.ts';
import type { OpenaiDialect } from './openai-dialect.ts';
import { refusalIn } from './openai-forms.ts';
import type { Refusal, Vendor, Workshop } from './vendor.ts';

const modelStudio: OpenaiDialect = {
  vendor: 'alibaba',
  fields: openFields,
  purposes: ['batch', 'file-extract'],
  fileIds: { input: 'file-batch-', output: 'file-batch_output-', errors: 'file-batch_output-errors-' },
  limits: { requests: 50_000, batchBytes: 500_000_000, fileBytes: 500_000_000, lineBytes: 6_000_000 },
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
  return compatibleVendor(shared, modelStudio, '/compatible-mode');
}
