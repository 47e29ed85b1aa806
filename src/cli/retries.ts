/** How calls that are tried again are told: only where they make people wait. */
import type { RetryNotice } from '../orchestrator/retry.ts';
import type { ProviderEntry } from '../providers/provider.ts';

const worthTellingMs = 1_000;
/** With many workers the same trouble comes many times: it is told once in a while. */
const quietMs = 10_000;

/** A listener for one command's retries; `note` takes lines for stderr. */
export function tellRetries(
  entry: ProviderEntry,
  note: (line: string) => void,
): (notice: RetryNotice) => void {
  let quietUntil = 0;
  return ({ error, pauseMs }) => {
    if (pauseMs < worthTellingMs || Date.now() < quietUntil) return;
    quietUntil = Date.now() + quietMs;
    const stop = /[.!?…]$/.test(error.message) ? '' : '.';
    note(`${entry.title}: ${error.message}${stop} Trying again in ${Math.round(pauseMs / 1000)} s.`);
  };
}
