/**
 * How each provider is told each setting: the one table of it. What a provider has no place for, or certainly refuses,
 * is an error before anything is sent.
 */
import { LoomError } from '../core/errors.ts';
import {
  type GenerationSettings,
  isDeepValue,
  isJsonObject,
  type JsonObject,
  mostLevels,
  type ProviderName,
  type SettingName,
} from '../core/models.ts';
import { tryGeminiSchema } from './gemini-schema.ts';
import { findOpenObject, fitsStrictMode, toAnthropicSchema } from './json-schema.ts';
import type { ProviderEntry } from './provider.ts';

type Value<Name extends SettingName> = NonNullable<GenerationSettings[Name]>;

/** The field of the request body that says a setting, with its path; or the part of a body that does. */
type Place<Name extends SettingName> = string | ((value: Value<Name>) => JsonObject);

/** What is wrong with a value, as the end of a sentence. */
type Check<Name extends SettingName> = (value: Value<Name>) => string | undefined;

interface ProviderSettings {
  /** A setting without a place is one that the provider does not have. */
  readonly places: { readonly [Name in Exclude<SettingName, 'extra'>]?: Place<Name> };
  readonly checks: { readonly [Name in SettingName]?: Check<Name> };
  /** Fields that --param can't say: they come from elsewhere, or would change the form of the answer. */
  readonly reserved: readonly string[];
}

/** What OpenAI and the servers that speak alike have in common. */
const chat = {
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
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'response', strict: fitsStrictMode(schema), schema },
      },
    }),
  },
  checks: {
    temperature: between(0, 2),
    max_tokens: atLeast(1),
    top_p: between(0, 1),
    presence_penalty: between(-2, 2),
    frequency_penalty: between(-2, 2),
  },
  reserved: ['model', 'messages', 'stream'],
} satisfies ProviderSettings;

const table: Readonly<Record<ProviderName, ProviderSettings>> = {
  openai: {
    ...chat,
    places: { ...chat.places, max_tokens: 'max_completion_tokens' },
    checks: { ...chat.checks, stop: atMost(4) },
  },
  openrouter: {
    ...chat,
    places: { ...chat.places, top_k: 'top_k' },
    checks: { ...chat.checks, top_k: atLeast(0) },
  },
  alibaba: {
    ...chat,
    places: { ...chat.places, top_k: 'top_k' },
    checks: { ...chat.checks, top_k: atLeast(0) },
  },
  anthropic: {
    places: {
      system: 'system',
      temperature: 'temperature',
      max_tokens: 'max_tokens',
      top_p: 'top_p',
      top_k: 'top_k',
      stop: 'stop_sequences',
      schema: (schema) => ({
        output_config: { format: { type: 'json_schema', schema: toAnthropicSchema(schema) } },
      }),
    },
    checks: {
      temperature: between(0, 1),
      max_tokens: atLeast(1),
      top_p: between(0, 1),
      top_k: atLeast(0),
      stop: (stop) => (stop.every((text) => text.trim()) ? undefined : 'white space alone stops nothing'),
      schema: findOpenObject,
    },
    reserved: ['model', 'messages', 'stream'],
  },
  google: {
    places: {
      system: (text) => ({ systemInstruction: { parts: [{ text }] } }),
      temperature: 'generationConfig.temperature',
      max_tokens: 'generationConfig.maxOutputTokens',
      top_p: 'generationConfig.topP',
      top_k: 'generationConfig.topK',
      stop: 'generationConfig.stopSequences',
      seed: 'generationConfig.seed',
      presence_penalty: 'generationConfig.presencePenalty',
      frequency_penalty: 'generationConfig.frequencyPenalty',
      json_mode: () => ({ generationConfig: { responseMimeType: 'application/json' } }),
      // Not responseJsonSchema, which batches misread (crmne/ruby_llm#894): a live trial is to ask what a batch asks.
      schema: (schema) => ({
        generationConfig: {
          responseMimeType: 'application/json',
          responseSchema: tryGeminiSchema(schema).schema,
        },
      }),
    },
    checks: {
      temperature: between(0, 2),
      max_tokens: between(1, 2 ** 31 - 1),
      top_p: between(0, 1),
      top_k: between(1, 2 ** 31 - 1),
      stop: atMost(5),
      seed: between(-(2 ** 31), 2 ** 31 - 1),
      presence_penalty: between(-2, 2),
      frequency_penalty: between(-2, 2),
      schema: (schema) => tryGeminiSchema(schema).problem,
    },
    reserved: ['model', 'contents'],
  },
};

function between(least: number, most: number) {
  return (value: number) =>
    value >= least && value <= most ? undefined : `${value} is not from ${least} to ${most}`;
}

function atLeast(least: number) {
  return (value: number) => (value >= least ? undefined : `${value} is less than ${least}`);
}

function atMost(most: number) {
  return (values: readonly string[]) =>
    values.length <= most ? undefined : `${values.length} are given, and ${most} are the most`;
}

/** LoomError `usage` names the first setting that the provider does not have, or does not take with this value. */
export function checkSettings(
  { name: provider, title }: Pick<ProviderEntry, 'name' | 'title'>,
  settings: GenerationSettings = {},
): void {
  const { places, checks, reserved } = table[provider];
  for (const name of ['schema', 'extra'] as const) {
    if (!isDeepValue(settings[name])) continue;
    const what = `the value of ${flagOf(name)} is nested more than ${mostLevels} levels deep.`;
    throw new LoomError('usage', what, { hint: 'Nothing was sent: make it flatter.' });
  }
  for (const name of settingNames(settings)) {
    const flag = flagOf(name);
    if (name !== 'extra' && !(name in places)) {
      throw new LoomError('usage', `${title} has no setting for ${flag}.`, {
        hint: `Leave it out${name === 'json_mode' && places.schema ? ', or say with --schema what the JSON is to be' : ''}.`,
      });
    }
    const problem = (checks[name] as Check<typeof name> | undefined)?.(settings[name] as never);
    if (problem !== undefined) throw new LoomError('usage', `${title} does not take ${flag}: ${problem}.`);
  }
  if (settings.json_mode && settings.schema) {
    throw new LoomError('usage', '--json and --schema exclude each other.', {
      hint: 'Leave --json out: answers to a schema are JSON.',
    });
  }
  const taken = Object.keys(settings.extra ?? {}).find((field) => reserved.includes(field));
  if (taken !== undefined) throw clash(taken, 'loom fills this field, or depends on it');
  settingsBody(provider, settings);
}

const noSettings: GenerationSettings = {};
const bodies = new WeakMap<GenerationSettings, Map<ProviderName, JsonObject>>();

/**
 * The part of a request body that says the settings, the same object each time. `messages` of it come before the
 * prompt's. Call `checkSettings` first: what has no place is not in it.
 */
export function settingsBody(provider: ProviderName, settings: GenerationSettings = noSettings): JsonObject {
  const known = bodies.get(settings) ?? new Map<ProviderName, JsonObject>();
  bodies.set(settings, known);
  const body = known.get(provider) ?? writeBody(provider, settings);
  known.set(provider, body);
  return body;
}

function writeBody(provider: ProviderName, settings: GenerationSettings): JsonObject {
  const { places } = table[provider];
  let body: JsonObject = {};
  for (const name of settingNames(settings)) {
    if (name === 'extra') continue;
    const place = places[name] as Place<typeof name> | undefined;
    if (place === undefined) continue;
    const value = settings[name];
    body = join(body, typeof place === 'string' ? nest(place.split('.'), value) : place(value as never));
  }
  return join(body, settings.extra ?? {});
}

/** `{a: {b: value}}` for the path `a`, `b`. */
function nest(path: readonly string[], value: unknown): JsonObject {
  return path.reduceRight<unknown>((inner, field) => ({ [field]: inner }), value) as JsonObject;
}

/** Both bodies in one, objects member by member. LoomError `usage` when both say the same field. */
function join(body: JsonObject, more: JsonObject, path = ''): JsonObject {
  const members = Object.entries(more).map(([field, value]) => {
    if (!Object.hasOwn(body, field)) return [field, value];
    const said = body[field];
    if (isJsonObject(said) && isJsonObject(value)) return [field, join(said, value, `${path}${field}.`)];
    throw clash(`${path}${field}`, 'another flag says it already');
  });
  return { ...body, ...Object.fromEntries(members) };
}

function clash(field: string, reason: string): LoomError {
  return new LoomError('usage', `--param can't say ${field}: ${reason}.`, { hint: 'Leave it out.' });
}

function settingNames(settings: GenerationSettings): SettingName[] {
  return (Object.keys(settings) as SettingName[]).filter((name) => settings[name] !== undefined);
}

function flagOf(name: SettingName): string {
  if (name === 'json_mode') return '--json';
  return name === 'extra' ? '--param' : `--${name.replaceAll('_', '-')}`;
}
