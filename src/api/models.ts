/** `models` of the library. */
import { LoomError } from '../core/errors.ts';
import { type ProviderName, providerNames } from '../core/names.ts';
import type { RetryEvent } from '../orchestrator/calls/retry.ts';
import { askForModels, type KnownModel, listPricedModels } from '../orchestrator/models/list-models.ts';
import type { ReachOptions } from './options/options.ts';
import { type ListeningTo, type ReachEvent, withReach } from './options/reach.ts';
import { findProvider } from './options/run-order.ts';

export type { KnownModel };

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
  const { provider = providerNames, search = '', live = false, onEvent = () => {} } = options;
  const entries = provider.map(findProvider);
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
