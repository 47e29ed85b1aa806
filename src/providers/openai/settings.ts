/** How OpenAI is told each setting, and the servers that speak alike. */
import type { JsonObject } from '../../core/models.ts';
import { toStrictSchema } from '../json-schema.ts';
import { atLeast, between, type SettingsTable } from '../settings.ts';

type Differences = Partial<Pick<SettingsTable, 'places' | 'checks'>>;

/** Of chat completions, with what one vendor has in its place, or beside it. */
export function chatSettings({ places, checks }: Differences = {}): SettingsTable {
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
      schema: (schema) => ({
        response_format: { type: 'json_schema', json_schema: describeSchema(schema) },
      }),
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

/** Where models think as much as they are told, in OpenAI's field for it. */
export const withEffort = { effort: 'reasoning_effort' } as const;

/** Of the Responses API, which has neither stop texts, nor a seed, nor penalties. */
export function responsesSettings({ places, checks }: Differences = {}): SettingsTable {
  return {
    places: {
      system: 'instructions',
      temperature: 'temperature',
      max_tokens: 'max_output_tokens',
      effort: 'reasoning.effort',
      top_p: 'top_p',
      json_mode: () => ({ text: { format: { type: 'json_object' } } }),
      schema: (schema) => ({ text: { format: { type: 'json_schema', ...describeSchema(schema) } } }),
      ...places,
    },
    checks: {
      temperature: between(0, 2),
      max_tokens: atLeast(1),
      top_p: between(0, 1),
      ...checks,
    },
    // An answer in the background, or as a stream, is none yet.
    reserved: ['model', 'input', 'stream', 'background'],
  };
}

function describeSchema(schema: JsonObject) {
  const strict = toStrictSchema(schema);
  return { name: 'response', strict: strict !== undefined, schema: strict ?? schema };
}
