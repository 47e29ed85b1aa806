/** Providers that keep results for a short time only: who comes later has paid for nothing. */
import { findShortLife } from '../../api/providers.ts';
import type { ProviderName } from '../../core/names.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { loom, type OfHome } from './proposed-command.ts';

/** Warns of each such provider once. */
export function openShortLives(terminal: Terminal, home: OfHome): (provider: ProviderName) => void {
  const warned = new Set<ProviderName>();
  return (provider) => {
    const life = warned.has(provider) ? undefined : findShortLife(provider);
    if (!life) return;
    warned.add(provider);
    terminal.warn(
      `${life.title} keeps the results of a batch for ${life.hours} hours after its end: fetch them by then, or wait with ${loom('fetch --wait', home)}.`,
    );
  };
}
