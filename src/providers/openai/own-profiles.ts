/**
 * A person's own providers: servers that speak OpenAI's protocol, each with a name. They are described by hand, so all is
 * checked, and what is wrong is told with its place.
 *
 *     { "our-vllm": { "base_url": "http://gpu01:8000/v1", "needs_key": false } }
 */
import { LoomError } from '../../core/errors.ts';
import { isJsonObject } from '../../core/models.ts';
import { fitsFileNames } from '../../core/own-names.ts';
import { looksSecret } from '../../core/secret-shapes.ts';
import { boolean, nullable, oneOf, type Shape, stringLike, type ValueOf } from '../../core/shapes/shapes.ts';
import { quoteValue } from '../../core/words.ts';
import { atLeast } from '../settings.ts';
import type { BatchProfile, Profile } from './profile.ts';
import { chatSettings, responsesSettings, withEffort } from './settings.ts';

const example = '{"our-vllm": {"base_url": "http://gpu01:8000/v1"}}';

/** What the file at `path` describes. LoomError `state` names the first thing that is wrong. */
export function readOwnProfiles(path: string, content: unknown): readonly Profile[] {
  const fail: Fail = (what, hint) => new LoomError('state', `${path}: ${what}`, { hint });
  if (!isJsonObject(content)) throw fail('it is not a JSON object.', `It looks like ${example}.`);
  return Object.entries(content).map(([name, described]) => {
    if (!fitsFileNames(name))
      throw fail(
        `${JSON.stringify(name)} can't be the name of a provider.`,
        'It is made of small letters, digits and "-", at most 32, begins with a letter, and is no word of loom such as "job".',
      );
    return readProfile(name, described, fail);
  });
}

/** What a field may be, and how that is said. */
interface Field<Value> {
  readonly shape: Shape<Value>;
  readonly is: string;
}

type FieldValues<Of extends Readonly<Record<string, Field<unknown>>>> = {
  readonly [Name in keyof Of]?: ValueOf<Of[Name]['shape']>;
};

const word = { shape: stringLike(/^[\w.-]{1,60}$/), is: 'a word' };
const variable = { shape: stringLike(/^[A-Z_][A-Z0-9_]*$/), is: 'the name of a variable, in capitals' };
const yesOrNo = { shape: boolean, is: 'true or false' };

const profileFields = {
  base_url: {
    shape: stringLike(/^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/i),
    is: 'an address such as http://gpu01:8000/v1, without a user, a key or a query',
  },
  title: { shape: stringLike(/^[^\p{Cc}]{1,60}$/u), is: 'a text of at most 60 characters' },
  key_variable: variable,
  needs_key: yesOrNo,
  max_tokens_field: word,
  price_list: { ...word, is: 'the name of a provider in genai-prices' },
  batches: { shape: shapeOf(isJsonObject), is: 'an object, or absent where there are none' },
};

const batchFields = {
  requests: numberFrom(1),
  least: numberFrom(1),
  megabytes: numberFrom(1),
  line_megabytes: numberFrom(0.001),
  price_share: { shape: shapeOf(isShare), is: 'a share of the price of live calls, from 0 to 1' },
  window: word,
  window_hours: numberFrom(1),
  purpose: word,
  endpoint: { shape: stringLike(/^\/\S*$/), is: 'a path such as /v1/chat/completions' },
  line: { shape: oneOf(['call', 'body']), is: '"call" or "body"' },
  model: { shape: oneOf(['line', 'batch']), is: '"line" or "batch"' },
  waits_for_file: yesOrNo,
  cancels: yesOrNo,
  tag_field: { shape: nullable(word.shape), is: 'a word, or null where no metadata is taken' },
  repeat_field: word,
};

function shapeOf<Value>(fits: (value: unknown) => value is Value): Shape<Value> {
  return { check: (value) => (fits(value) ? { value } : { misfit: [] }) };
}

function numberFrom(least: number): Field<number> {
  const fits = (value: unknown): value is number => Number.isFinite(value) && (value as number) >= least;
  return { shape: shapeOf(fits), is: `a number from ${least}` };
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

/** A key may stand in the wrong place. */
function showFound(found: unknown): string {
  if (typeof found !== 'string') return typeof found === 'object' ? 'no single value' : String(found);
  return looksSecret(found) || /[@?]/.test(found) ? 'something else' : quoteValue(found);
}

type Fail = (what: string, hint: string) => LoomError;

function readFields<const Of extends Readonly<Record<string, Field<unknown>>>>(
  place: string,
  value: unknown,
  fields: Of,
  fail: Fail,
): FieldValues<Of> {
  if (!isJsonObject(value)) throw fail(`${place} is not an object.`, `It looks like ${example}.`);
  for (const [name, found] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field)
      throw fail(
        `${place} has a field ${JSON.stringify(name)}.`,
        `There are ${Object.keys(fields).join(', ')}.`,
      );
    if ('misfit' in field.shape.check(found))
      throw fail(`${place}, ${name} is ${showFound(found)}.`, `It is ${field.is}.`);
  }
  return value as FieldValues<Of>;
}

function readProfile(name: string, described: unknown, fail: Fail): Profile {
  const fields = readFields(name, described, profileFields, fail);
  const { base_url: baseUrl, title = name, needs_key = true, max_tokens_field = 'max_tokens' } = fields;
  if (baseUrl === undefined || !URL.canParse(baseUrl))
    throw fail(`${name} has no base_url.`, `It looks like ${example}.`);
  const prefix = name.toUpperCase().replaceAll('-', '_');
  return {
    name,
    title,
    keyVariable: fields.key_variable ?? `${prefix}_API_KEY`,
    baseUrlVariable: `${prefix}_BASE_URL`,
    addresses: [baseUrl.replace(/\/+$/, '')],
    isOwn: true,
    isKeyless: !needs_key,
    keylessOnLoopback: true,
    messageTokens: 7,
    priceListName: fields.price_list ?? name,
    settings: {
      ...chatSettings({
        places: { max_tokens: max_tokens_field, top_k: 'top_k', ...withEffort },
        // vLLM says with -1 that there is no limit.
        checks: { top_k: atLeast(-1) },
      }),
      responses: responsesSettings({ places: { top_k: 'top_k' }, checks: { top_k: atLeast(-1) } }),
    },
    ...(fields.batches && {
      batches: describeBatches(readFields(`${name}, batches`, fields.batches, batchFields, fail)),
    }),
  };
}

/** What is left out is as OpenAI has it. */
function describeBatches(fields: FieldValues<typeof batchFields>): BatchProfile {
  const { requests = 50_000, megabytes = 100, line_megabytes, tag_field = 'loom_tag' } = fields;
  return {
    limits: {
      requests,
      bytes: megabytes * 1_000_000,
      least: fields.least,
      requestBytes: line_megabytes === undefined ? undefined : line_megabytes * 1_000_000,
    },
    priceShare: fields.price_share ?? 1,
    tagField: tag_field ?? undefined,
    window: fields.window,
    windowHours: fields.window_hours,
    purpose: fields.purpose,
    endpoint: fields.endpoint,
    lineForm: fields.line,
    modelAt: fields.model,
    waitsForFile: fields.waits_for_file,
    cancels: fields.cancels,
    repeatField: fields.repeat_field,
  };
}
