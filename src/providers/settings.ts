/**
 * How a provider is told each setting, by the table in its folder. What it has no place for, or certainly refuses, is an
 * error before anything is sent.
 */
import { LoomError } from '../core/errors.ts';
import {
  type ApiName,
  apiNames,
  type Effort,
  type GenerationSettings,
  isJsonObject,
  type JsonObject,
  type SettingName,
} from '../core/models.ts';
import { isDeepValue, mostLevels } from '../core/nesting.ts';
import { quoteValue } from '../core/words.ts';

type Value<Name extends SettingName> = NonNullable<GenerationSettings[Name]>;

/** Those that have a place in a request, each its own. */
type PlacedName = Exclude<SettingName, 'extra' | 'api'>;

/** The field of the request body that says a setting, with its path; or the part of a body that does. */
type Place<Name extends SettingName> = string | ((value: Value<Name>) => JsonObject);

/** What is wrong with a value, as the end of a sentence. */
type Check<Name extends SettingName> = (value: Value<Name>) => string | undefined;

export interface SettingsTable {
  /** A setting without a place is one that the provider does not have. */
  readonly places: { readonly [Name in PlacedName]?: Place<Name> };
  readonly checks: { readonly [Name in SettingName]?: Check<Name> };
  /** Fields that `extra` can't say: they come from elsewhere, or would change the form of the answer. */
  readonly reserved: readonly string[];
}

/** Those of the API that is asked unless `api` of the settings names another. */
export interface ProviderSettings extends SettingsTable {
  /** Absent where there is no Responses API, or it can't be relied on. */
  readonly responses?: SettingsTable;
}

export function between(least: number, most: number) {
  return (value: number) =>
    value >= least && value <= most ? undefined : `${value} is not from ${least} to ${most}`;
}

export function atLeast(least: number) {
  return (value: number) => (value >= least ? undefined : `${value} is less than ${least}`);
}

export function atMost(most: number) {
  return (values: readonly string[]) =>
    values.length <= most ? undefined : `${values.length} are given, and at most ${most} are allowed`;
}

/** Of efforts, where a provider does not have each. */
export function oneOfEfforts(...known: readonly Effort[]) {
  return (effort: Effort) =>
    known.includes(effort) ? undefined : `${quoteValue(effort)} is not one of ${known.join(', ')}`;
}

/** LoomError `usage` names the first setting that the provider does not have, or does not take with this value. */
export function checkSettings(
  { title, settings: table }: { readonly title: string; readonly settings: ProviderSettings },
  settings: GenerationSettings = {},
): void {
  const { places, checks, reserved } = requireTable(title, table, settings);
  const asked = settings.api === 'responses' ? `The Responses API of ${title}` : title;
  for (const name of ['schema', 'extra'] as const) {
    if (!isDeepValue(settings[name])) continue;
    const what = `the value of settings.${name} is nested more than ${mostLevels} levels deep.`;
    throw new LoomError('usage', what, {
      code: 'setting_too_deep',
      facts: { setting: name },
      hint: 'Nothing was sent: make it flatter.',
    });
  }
  for (const name of settingNames(settings)) {
    if (isPlaced(name) && !(name in places)) {
      const hasSchema = name === 'json_mode' && 'schema' in places;
      throw new LoomError('usage', `${asked} has no setting for settings.${name}.`, {
        code: 'setting_unknown',
        facts: { title: asked, setting: name, hasSchema },
        hint: `Leave it out${hasSchema ? ', or say with settings.schema what the JSON is to be' : ''}.`,
      });
    }
    const problem = (checks[name] as Check<typeof name> | undefined)?.(settings[name] as never);
    if (problem !== undefined) {
      throw new LoomError('usage', `${asked} does not take settings.${name}: ${problem}.`, {
        code: 'setting_refused',
        facts: { title: asked, setting: name, problem },
      });
    }
  }
  if (settings.json_mode && settings.schema) {
    throw new LoomError('usage', 'settings.json_mode and settings.schema exclude each other.', {
      code: 'json_mode_with_schema',
      facts: {},
      hint: 'Leave json_mode out: answers to a schema are JSON.',
    });
  }
  const taken = Object.keys(settings.extra ?? {}).find((field) => reserved.includes(field));
  if (taken !== undefined) throw clash(taken, 'loom');
  settingsBody(table, settings);
}

/** LoomError `usage` for an API that the provider does not have, or that there is not. */
function requireTable(
  title: string,
  table: ProviderSettings,
  { api = 'chat' }: GenerationSettings,
): SettingsTable {
  if (!apiNames.includes(api)) {
    throw new LoomError('usage', `there is no API ${quoteValue(String(api))}.`, {
      code: 'api_unknown',
      facts: { api: String(api) },
      hint: `settings.api is one of ${apiNames.join(', ')}.`,
    });
  }
  const found = tableOf(table, api);
  if (found) return found;
  throw new LoomError('usage', `loom can't ask ${title} through the Responses API.`, {
    code: 'api_missing',
    facts: { title },
    hint: 'Leave settings.api out. OpenAI has that API, OpenRouter, and servers that speak like them.',
  });
}

function tableOf(table: ProviderSettings, api: ApiName | undefined): SettingsTable | undefined {
  return api === 'responses' ? table.responses : table;
}

function isPlaced(name: SettingName): name is PlacedName {
  return name !== 'extra' && name !== 'api' && name !== 'few_shot';
}

const noSettings: GenerationSettings = {};
const bodies = new WeakMap<GenerationSettings, Map<ProviderSettings, JsonObject>>();

/**
 * The part of a request body that says the settings, the same object each time. `messages` of it come before the
 * prompt's. Call `checkSettings` first: what has no place is not in it.
 */
export function settingsBody(table: ProviderSettings, settings: GenerationSettings = noSettings): JsonObject {
  const known = bodies.get(settings) ?? new Map<ProviderSettings, JsonObject>();
  bodies.set(settings, known);
  const body = known.get(table) ?? writeBody(tableOf(table, settings.api) ?? table, settings);
  known.set(table, body);
  return body;
}

function writeBody({ places }: SettingsTable, settings: GenerationSettings): JsonObject {
  let body: JsonObject = {};
  for (const name of settingNames(settings)) {
    if (!isPlaced(name)) continue;
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
    throw clash(`${path}${field}`, 'setting');
  });
  return { ...body, ...Object.fromEntries(members) };
}

function clash(field: string, by: 'setting' | 'loom'): LoomError {
  const why = by === 'loom' ? 'loom fills this field, or depends on it' : 'another setting sets it already';
  return new LoomError('usage', `settings.extra can't set ${field}: ${why}.`, {
    code: 'extra_field_taken',
    facts: { field, by },
    hint: 'Leave it out.',
  });
}

function settingNames(settings: GenerationSettings): SettingName[] {
  return (Object.keys(settings) as SettingName[]).filter((name) => settings[name] !== undefined);
}
