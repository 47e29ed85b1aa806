/**
 * A person's own prices, `prices.json` in the home: what their account pays, or a model that no list has. Written by hand,
 * so it is checked whole, and what is wrong is told with its place.
 *
 *     { "openai": { "gpt-4o-mini": { "input": 0.12, "output": 0.48, "cached_input": 0.06, "batch": 0.5 } } }
 */
import { join } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import { isJsonObject } from '../../core/models.ts';
import type { ProviderName } from '../../core/names.ts';
import { readHandwrittenJson } from '../../storage/handwritten-json.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { BatchPrice, ModelPrice } from './model-price.ts';

/** By provider; of each the models in the order of the file. */
type OwnPrices = ReadonlyMap<string, readonly ModelPrice[]>;

const fileName = 'prices.json';
const fields = ['input', 'output', 'cached_input', 'batch', 'context'];

/** The prices that count, and what is wrong with the file: then it has none. */
interface ReadPrices {
  readonly prices: OwnPrices;
  /** Names the place. */
  readonly fault: LoomError | undefined;
}

/** Whether there is a provider of this name. */
export type IsProvider = (name: ProviderName) => boolean;

/** Says that something at a place of the file is wrong. */
type Refuse = (what: string, hint: string) => LoomError;

export function ownPricesPath({ base }: Pick<LoomHome, 'base'>): string {
  return join(base, fileName);
}

/** A file that is wrong counts as none: prices are a help, and no reason to lose a run. */
export function readOwnPricesIfSound(home: Pick<LoomHome, 'base'>, isProvider: IsProvider): ReadPrices {
  try {
    return { prices: readOwnPrices(home, isProvider), fault: undefined };
  } catch (error) {
    if (!(error instanceof LoomError)) throw error;
    return { prices: new Map(), fault: error };
  }
}

/** None where there is no file. LoomError `state` for one that can't be used. */
export function readOwnPrices(home: Pick<LoomHome, 'base'>, isProvider: IsProvider): OwnPrices {
  const path = ownPricesPath(home);
  const value = readHandwrittenJson(path);
  if (value === undefined) return new Map();
  const refuse: Refuse = (what, hint) => new LoomError('state', `${path}: ${what}`, { hint });
  if (!isJsonObject(value)) throw refuse('it is not a JSON object.', `It looks like ${example}.`);
  return new Map(
    Object.entries(value).map(([provider, models]) => [
      checkProvider(provider, isProvider, refuse),
      readModels(provider, models, refuse),
    ]),
  );
}

const example = '{"openai": {"gpt-4o-mini": {"input": 0.15, "output": 0.6}}}';

/** The model of this very name, else that of the longest beginning that ends in `*`. */
export function findOwnPrice(prices: readonly ModelPrice[], model: string): ModelPrice | undefined {
  const exact = prices.find(({ name }) => name === model);
  if (exact) return exact;
  const fitting = prices.filter(({ name }) => name.endsWith('*') && model.startsWith(name.slice(0, -1)));
  return fitting.sort((a, b) => b.name.length - a.name.length)[0];
}

function checkProvider(name: string, isProvider: IsProvider, refuse: Refuse): ProviderName {
  if (isProvider(name)) return name;
  throw refuse(`there is no provider ${JSON.stringify(name)}.`, 'Write it as the command line has it.');
}

function readModels(provider: string, models: unknown, refuse: Refuse): ModelPrice[] {
  if (!isJsonObject(models))
    throw refuse(`${provider} is not an object of models.`, `It looks like ${example}.`);
  return Object.entries(models).map(([name, prices]) =>
    readModel(`${provider}, ${name}`, name, prices, refuse),
  );
}

function readModel(place: string, name: string, prices: unknown, refuse: Refuse): ModelPrice {
  if (!isJsonObject(prices))
    throw refuse(`${place} is not an object of prices.`, `It looks like ${example}.`);
  const unknown = Object.keys(prices).find((field) => !fields.includes(field));
  if (unknown !== undefined)
    throw refuse(`${place} has a field ${JSON.stringify(unknown)}.`, `There are ${fields.join(', ')}.`);
  const readPrice = (field: string) => readAmount(`${place}, ${field}`, prices[field], refuse);
  const [input, output] = [readPrice('input'), readPrice('output')];
  const cachedInput = prices.cached_input === undefined ? undefined : readPrice('cached_input');
  return {
    name,
    levels: [{ above: 0, input, output, cachedInput }],
    context: prices.context === undefined ? undefined : readPrice('context'),
    batch: prices.batch === undefined ? undefined : readBatch(`${place}, batch`, prices.batch, refuse),
    costOf({ inputTokens, outputTokens, cacheReadTokens = 0 }) {
      const cached = cachedInput === undefined ? 0 : Math.min(cacheReadTokens, inputTokens);
      const dollars = (inputTokens - cached) * input + cached * (cachedInput ?? 0) + outputTokens * output;
      return dollars / 1_000_000;
    },
  };
}

function readBatch(place: string, batch: unknown, refuse: Refuse): number | BatchPrice {
  if (isJsonObject(batch) && Object.keys(batch).every((field) => field === 'input' || field === 'output')) {
    const readPrice = (field: string) => readAmount(`${place}, ${field}`, batch[field], refuse);
    return { input: readPrice('input'), output: readPrice('output') };
  }
  if (typeof batch === 'number' && batch >= 0 && batch <= 1) return batch;
  const hint = 'It is a share of the price such as 0.5, or prices such as {"input": 0.075, "output": 0.3}.';
  throw refuse(`${place} is ${JSON.stringify(batch)}.`, hint);
}

function readAmount(place: string, value: unknown, refuse: Refuse): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  const found = value === undefined ? 'missing' : JSON.stringify(value);
  throw refuse(`${place} is ${found}.`, 'It is a number from 0, prices in US dollars for a million tokens.');
}
