/** How OpenAI is told each setting, and the servers that speak alike. */
import { toStrictSchema } from '../json-schema.ts';
import { atLeast, between, type ProviderSettings } from '../settings.ts';

type Differences = Partial<Pick<ProviderSettings, 'places' | 'checks'>>;

/** With what one vendor has in its place, or beside it. */
export function chatSettings({ places, checks }: Differences = {}): ProviderSettings {
  return {
    places: {
      system: (text) => ({ messages: [{ role: 'system', content: text }] }),
      temperature: 'temperature',
      max_tokens: 'max_tokens',
      top_p: 'top_p',
      stop: 'stop',
      seed: 'seed',
      presence_penalty: 'presence_penalty',
      frequency_penalty: 'frequency_penalty',
      json_mode: () => ({ response_format: { type: 'json_object' } }),
      schema(schema) {
        const strict = toStrictSchema(schema);
        const asked = { name: 'response', strict: strict !== undefined, schema: strict ?? schema };
        return { response_format: { type: 'json_schema', json_schema: asked } };
      },
      ...places,
    },
    checks: {
      temperature: between(0, 2),
      max_tokens: atLeast(1),
      top_p: between(0, 1),
      presence_penalty: between(-2, 2),
      frequency_penalty: between(-2, 2),
      ...checks,
    },
    reserved: ['model', 'messages', 'stream'],
  };
}
