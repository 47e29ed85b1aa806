/** The headers that a verb sends: those of its options, before those of the variable. */
import { LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import {
  checkHeaders,
  type GivenHeaders,
  pickHeaders,
  providerOf,
  readHeaderVariable,
} from '../../core/request/headers.ts';
import { providerEntry } from '../../providers/registry.ts';

/** Lines as `Name: value`, or a JSON object. */
export const headersVariable = 'LOOM_HEADERS';

/** Those of the variable alone. */
export function headersOfVariable(variables: NodeJS.ProcessEnv, provider: ProviderName): GivenHeaders {
  return pickHeaders(provider, readVariable(variables));
}

/**
 * What is sent to a provider beside what loom itself says; of the variable for a job only what it was `recorded` with, as
 * the variable may speak of another gateway by now. LoomError `usage` for headers that can't be.
 */
export function openHeaders(
  given: GivenHeaders = {},
  variables: NodeJS.ProcessEnv,
): (provider: ProviderName, recorded?: readonly string[]) => GivenHeaders {
  requireHeaders(given);
  const found = readVariable(variables);
  return (provider, recorded) => {
    if (recorded === undefined) return pickHeaders(provider, found, given);
    const known = recorded.map((name) => name.toLowerCase());
    const kept = Object.entries(pickHeaders(provider, found, {})).filter(([name]) =>
      known.includes(name.toLowerCase()),
    );
    return pickHeaders(provider, Object.fromEntries(kept), given);
  };
}

function readVariable(variables: NodeJS.ProcessEnv): GivenHeaders {
  try {
    const found = readHeaderVariable(variables[headersVariable] ?? '');
    requireHeaders(found);
    return found;
  } catch (error) {
    if (!(error instanceof LoomError)) throw error;
    const { kind, message, hint } = error;
    throw new LoomError(kind, `${headersVariable}: ${message}`, { ...(hint && { hint }) });
  }
}

function requireHeaders(headers: GivenHeaders): void {
  checkHeaders(headers);
  for (const name of Object.keys(headers)) {
    const provider = providerOf(name);
    if (provider !== undefined) providerEntry(provider);
  }
}

/** Whether some go to whoever is asked. */
export function areForAnyone(headers: GivenHeaders = {}): boolean {
  return Object.keys(headers).some((name) => providerOf(name) === undefined);
}
