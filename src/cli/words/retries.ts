/** How calls that are tried again are told: only where they make people wait, and each one with --verbose. */

import type { ProviderName } from '../../core/models.ts';
import type { RetryNotice } from '../../orchestrator/calls/retry.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { Terminal } from '../terminal/terminal.ts';

const worthTellingMs = 1_000;
/** With many workers the same trouble comes many times: it is told once in a while. */
const quietMs = 10_000;

/** A listener for one command's retries. */
export function tellRetries(entry: ProviderEntry, terminal: Terminal): (notice: RetryNotice) => void {
  let quietUntil = 0;
  return (notice) => {
    if (terminal.tellsDetails) return terminal.detail(`${entry.title}: ${describeRetry(notice)}`);
    const { error, pauseMs } = notice;
    if (pauseMs < worthTellingMs || Date.now() < quietUntil) return;
    quietUntil = Date.now() + quietMs;
    const stop = /[.!?…]$/.test(error.message) ? '' : '.';
    terminal.note(`${entry.title}: ${error.message}${stop} Trying again in ${Math.round(pauseMs / 1000)} s.`);
  };
}

/** The same for a command that may ask several providers, each of which is told apart. */
export function tellRetriesOf(terminal: Terminal): (provider: ProviderName, notice: RetryNotice) => void {
  const tellers = new Map<ProviderName, ReturnType<typeof tellRetries>>();
  return (provider, notice) => {
    const tell = tellers.get(provider) ?? tellRetries(providerEntry(provider), terminal);
    tellers.set(provider, tell);
    tell(notice);
  };
}

/** In our own words: those of a provider may hold the prompt. */
function describeRetry({ error, pauseMs, attempts }: RetryNotice): string {
  const { code, status, message } = error;
  const word = /^[\w.-]{1,64}$/.test(code) ? `, ${code}` : '';
  const reason = status === undefined ? message : `HTTP ${status}${word}.`;
  const pause = (pauseMs / 1000).toFixed(1);
  return `attempt ${attempts} failed: ${reason} Trying again in ${pause} s.`;
}
