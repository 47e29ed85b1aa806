/** `models` and `questionModel` of the library. */
import { openKnownNames } from '../cache/prices/known-names.ts';
import { type MeantModel, questionModel as questionName } from '../cache/prices/model-question.ts';
import { readOwnPricesIfSound } from '../cache/prices/own-prices.ts';
import { describeTold, LoomError } from '../core/errors.ts';
import type { ProviderName } from '../core/names.ts';
import { describeServer, nameServer } from '../orchestrator/calls/answer-server.ts';
import type { RetryEvent } from '../orchestrator/calls/retry.ts';
import { askForModels, type KnownModel, listPricedModels } from '../orchestrator/models/list-models.ts';
import { builtInNames, isProvider, providerEntry } from '../providers/registry.ts';
import { resolveBaseUrl } from '../state/keys/keys.ts';
import type { ReachOptions } from './options/options.ts';
import {
  findProvider,
  type ListeningTo,
  listProviderNames,
  openHome,
  type ReachEvent,
  variablesOf,
  withProviders,
  withReach,
} from './options/reach.ts';

export type { KnownModel, MeantModel };

export interface ModelsOptions extends ReachOptions, ListeningTo<RetryEvent | ReachEvent> {
  /** Only those of these. Default: all. */
  readonly provider?: readonly ProviderName[] | undefined;
  /** Only those whose `provider/model` has each of these words in it, in any case. */
  readonly search?: string | undefined;
  /** Asks the provider what it has, which takes a key, in place of the lists of prices. One provider alone. */
  readonly live?: boolean | undefined;
}

/** Models and what they cost, as `loom models` shows them. Asks nobody, and needs no key, unless `live`. */
export function models(options: ModelsOptions = {}): Promise<readonly KnownModel[]> {
  const { provider = listProviderNames(options), search = '', live = false, onEvent = () => {} } = options;
  const entries = provider.map((name) => findProvider(name, options));
  return withReach(options, async ({ home, connect }, signal) => {
    if (!live) return listPricedModels(home, entries).then((known) => pickModels(known, search));
    const [entry, another] = entries;
    if (!entry || another) {
      throw new LoomError('usage', 'live takes one provider.', {
        code: 'live_of_several',
        facts: {},
        hint: 'Name it in provider.',
      });
    }
    const onRetry = (notice: Omit<RetryEvent, 'type' | 'provider'>) =>
      onEvent({ type: 'retry', provider: entry.name, ...notice });
    return pickModels(await askForModels(home, entry, connect(entry.name), signal, onRetry), search);
  });
}

function pickModels(known: readonly KnownModel[], search: string): readonly KnownModel[] {
  const words = search.toLowerCase().split(/\s+/);
  return known.filter(({ provider, model }) => {
    const name = `${provider}/${model}`.toLowerCase();
    return words.every((word) => name.includes(word));
  });
}

/**
 * What is wrong in a person's own `prices.json`, with its place; undefined where nothing is, or no such file. None of its
 * prices count then, and costs are by the lists alone; `models` and `maxCost` refuse it.
 */
export function checkOwnPrices(options: ReachOptions = {}): string | undefined {
  const { fault } = withProviders(options, () => readOwnPricesIfSound(openHome(options), isProvider));
  return fault && describeTold(fault);
}

export interface QuestionModelOptions extends ReachOptions {
  readonly provider: ProviderName;
  readonly model: string;
}

/**
 * What a model's name was perhaps meant to be, where the lists of prices know it only of another provider, or one that is
 * a letter or so away; `loom run` asks so before it sends anything. Undefined for a name that is known, or like none, and
 * for one of another provider where the address is one's own.
 */
export async function questionModel(options: QuestionModelOptions): Promise<MeantModel | undefined> {
  const { provider, model } = options;
  const entry = findProvider(provider, options);
  // A model is called as people like there.
  if (entry.needsAddress) return undefined;
  const home = openHome(options);
  const baseUrl = options.sandbox
    ? undefined
    : resolveBaseUrl(entry, options.baseUrl, undefined, variablesOf(options));
  const server = nameServer(home, provider, { baseUrl });
  // OpenRouter sells the models of all, and takes none without the name of who made it.
  const isOfOpenRouter = model.includes('/');
  const names = builtInNames.filter((name) => name !== 'openrouter' || isOfOpenRouter);
  const entries = names.map(providerEntry).filter(({ needsAddress }) => !needsAddress);
  // Behind an address of one's own may be anybody's, by the names that they have.
  const isPlain = describeServer(provider, server).isPlain;
  const asked = isPlain ? entries.filter(({ name }) => name !== provider) : [];
  const known = await withProviders(options, () => openKnownNames(home, isProvider));
  return questionName(known, entry, asked, model);
}
