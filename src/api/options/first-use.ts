/** What is told of a provider of which something is not verified, until there is an output of it. */
import type { ProviderEntry } from '../../providers/provider.ts';
import { hasOutputOf } from '../../state/history.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { ListeningTo, ReachEvent } from './reach.ts';

/** In a rehearsal there is nothing to tell: what answers is not the provider. */
export async function tellUnverified(
  { name: provider, title, unverified: what }: ProviderEntry,
  { history, isSandbox }: Pick<LoomHome, 'history' | 'isSandbox'>,
  { onEvent }: ListeningTo<ReachEvent>,
): Promise<void> {
  if (what === undefined || isSandbox || (await hasOutputOf(history, provider))) return;
  onEvent?.({ type: 'unverified', provider, title, what });
}
