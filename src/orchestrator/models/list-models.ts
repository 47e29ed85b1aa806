/** The story of `loom models`: what is known of models here, or what a provider says that it has, with their prices. */
import type { ModelPrice, PriceLevel } from '../../cache/prices/model-price.ts';
import { openSoundPriceBook } from '../../cache/prices/price-book.ts';
import type { ProviderName } from '../../core/names.ts';
import type { Connection } from '../../providers/connection.ts';
import type { ListedModel, ProviderEntry } from '../../providers/provider.ts';
import { isProvider, offersBatches } from '../../providers/registry.ts';
import type { LoomHome } from '../../storage/home.ts';
import { describeServer, nameServer } from '../calls/answer-server.ts';
import { createCallQueue, type RetryNotice } from '../calls/retry.ts';
import { priceBatches } from '../usage/price-usage.ts';

export interface KnownModel {
  readonly provider: ProviderName;
  /** As the provider names it; one that ends in `*` is a person's own price of several. */
  readonly model: string;
  /** US dollars for a million tokens, by the length of the input: the first from 0 on. None where no price is known. */
  readonly levels: readonly PriceLevel[];
  /** The same in batches; none where the provider takes none, either. */
  readonly batchLevels: readonly PriceLevel[];
  /** Tokens that it takes; undefined where nobody says it. */
  readonly context: number | undefined;
}

/** Every model with a price in a list, or in the person's own file. Asks nobody. */
export async function listPricedModels(
  home: LoomHome,
  entries: readonly ProviderEntry[],
): Promise<KnownModel[]> {
  const book = await openSoundPriceBook(home, isProvider);
  return entries.flatMap((entry) =>
    book.list(entry).map((price) => describeModel(entry, { id: price.name }, price)),
  );
}

/** What the provider lists, by name. At an address that is not its own, prices are the person's own. */
export async function askForModels(
  home: LoomHome,
  entry: ProviderEntry,
  connection: Connection,
  signal: AbortSignal,
  onRetry: (notice: RetryNotice) => void,
): Promise<KnownModel[]> {
  const book = await openSoundPriceBook(home, isProvider);
  const server = describeServer(entry.name, nameServer(home, entry.name, { baseUrl: connection.baseUrl }));
  const provider = await entry.openSync(connection);
  const queue = createCallQueue({ workers: 1, signal, onRetry });
  const listed = await queue.run(() => provider.listModels(signal));
  const findPrice = (model: string) => (server.isPlain ? book.find : book.findOwn)(entry, model);
  return listed
    .map((model) => describeModel(entry, model, findPrice(model.id)))
    .sort((a, b) => (a.model < b.model ? -1 : 1));
}

/** What the provider itself says goes before what a list knows, but not before a person's own price. */
function describeModel(
  entry: ProviderEntry,
  { id, context, price: told }: ListedModel,
  known: ModelPrice | undefined,
): KnownModel {
  const levels = known?.levels ?? (told ? [{ above: 0, ...told }] : []);
  return {
    provider: entry.name,
    model: id,
    levels,
    batchLevels: known && offersBatches(entry) ? priceBatches(entry, id, known).levels : [],
    context: context ?? known?.context,
  };
}
