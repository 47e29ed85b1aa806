/** How Anthropic is told each setting. */
import { findOpenObject, toAnthropicSchema } from '../json-schema.ts';
import { atLeast, between, oneOfEfforts, type ProviderSettings } from '../settings.ts';

export const settings: ProviderSettings = {
  places: {
    system: 'system',
    temperature: 'temperature',
    max_tokens: 'max_tokens',
    top_p: 'top_p',
    top_k: 'top_k',
    stop: 'stop_sequences',
    effort: 'output_config.effort',
    schema: (schema) => ({
      output_config: { format: { type: 'json_schema', schema: toAnthropicSchema(schema) } },
    }),
  },
  checks: {
    temperature: between(0, 1),
    max_tokens: atLeast(1),
    top_p: between(0, 1),
    top_k: atLeast(0),
    effort: oneOfEfforts('low', 'medium', 'high'),
    stop: (stop) =>
      stop.every((text) => text.trim()) ? undefined : "white space alone can't be a stop text",
    schema: findOpenObject,
  },
  reserved: ['model', 'messages', 'stream'],
};
