/** A model server on one's own machine, as Ollama is: OpenAI's live calls without a key, and nothing else. */
import { openFields } from './chat-fields.ts';
import type { Call } from './http.ts';
import { chatOperation } from './openai.ts';
import type { ChatDialect } from './openai-dialect.ts';
import { openaiError, refusalIn } from './openai-forms.ts';
import { bearerKey, type Vendor, type Workshop } from './vendor.ts';

const dialect: ChatDialect = { vendor: 'local', fields: openFields, thoughtsField: 'reasoning', refusalIn };

/** The sandbox's local model server. */
export function localVendor(shared: Workshop): Vendor {
  const workshop = { ...shared, dialect };
  return {
    name: 'local',
    keyOf: bearerKey,
    refuse: () => undefined,
    error: openaiError,
    operation: (call: Call) => chatOperation(workshop, call),
  };
}
