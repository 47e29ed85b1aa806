/** How a call that is tried again is told: only where it makes people wait. */
import type { RetryNotice } from '../orchestrator/retry.ts';
import type { ProviderEntry } from '../providers/provider.ts';
import type { Terminal } from './terminal.ts';

const worthTellingMs = 1_000;

export function noteRetry(terminal: Terminal, entry: ProviderEntry, { error, pauseMs }: RetryNotice): void {
  if (pauseMs < worthTellingMs) return;
  terminal.note(`${entry.title}: ${error.message} Trying again in ${Math.round(pauseMs / 1000)} s.`);
}
