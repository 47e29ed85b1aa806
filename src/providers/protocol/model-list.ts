/** How a list of models is read, whatever a server calls its fields. */
import { asCount, asList, asObject, asText, firstText, type WireObject } from '../network/wire.ts';
import type { ListedModel } from '../provider.ts';
import { readPages } from './list-pages.ts';
import { unreadableAnswer } from './refusal.ts';

interface ModelPage {
  readonly models: readonly ListedModel[];
  readonly next: string | undefined;
}

/** Every model on all pages, each once. */
export async function collectModels(
  openPage: (next: string | undefined) => Promise<ModelPage>,
): Promise<ListedModel[]> {
  const byId = new Map<string, ListedModel>();
  for await (const { models } of readPages('models', openPage))
    for (const model of models) if (!byId.has(model.id)) byId.set(model.id, model);
  return [...byId.values()];
}

/** The entries of a page. A gateway without such a list may answer with a 200 and anything. */
export function readModels(answer: WireObject | undefined): WireObject[] {
  const { data, models, object } = answer ?? {};
  const found = [data, models].find(Array.isArray);
  // Servers written in Go have null for an empty list.
  if (!found && !(object === 'list' && data === null)) throw unreadableAnswer('it is not a list of models');
  return asList(found).map(asObject);
}

/** Where servers say how many tokens a model takes: OpenRouter, Anthropic, Google, Groq, vLLM, Mistral. */
const contextFields = [
  'context_length',
  'max_input_tokens',
  'inputTokenLimit',
  'context_window',
  'max_model_len',
  'max_context_length',
];

/** Undefined for an entry without a name. */
function readModel(entry: WireObject): ListedModel | undefined {
  const id = firstText(entry.id, entry.name, entry.model);
  if (id === '') return undefined;
  const context = contextFields
    .map((field) => asCount(entry[field]))
    .find((count) => count !== undefined && count > 0);
  return { id, context, price: readPrice(asObject(entry.pricing)) };
}

export function readEach(entries: readonly WireObject[]): ListedModel[] {
  return entries.map(readModel).filter((model) => model !== undefined);
}

/** OpenRouter's: US dollars for one token, as text; -1 where it depends on the model that is chosen for a request. */
function readPrice({ prompt, completion, input_cache_read }: WireObject): ListedModel['price'] {
  const perMillion = (price: unknown) => {
    const dollars = asText(price) === '' ? undefined : asCount(price);
    return dollars === undefined || dollars < 0 ? undefined : Number((dollars * 1_000_000).toFixed(9));
  };
  const [input, output] = [perMillion(prompt), perMillion(completion)];
  if (input === undefined || output === undefined) return undefined;
  return { input, output, cachedInput: perMillion(input_cache_read) };
}
