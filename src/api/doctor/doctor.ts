/** `doctor` of the library. */
import { describeTold, LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { examine, type Finding } from '../../orchestrator/doctor/examine.ts';
import { type OwnProviders, providerEntry, providerNames } from '../../providers/registry.ts';
import { resolveBaseUrl } from '../../state/keys/keys.ts';
import { areForAnyone, openHeaders } from '../options/headers.ts';
import type { ReachOptions } from '../options/options.ts';
import {
  locateHome,
  nodeVersion,
  surroundingsOf,
  underSignal,
  variablesOf,
  withProviders,
} from '../options/reach.ts';

export type { Finding };

export interface DoctorOptions
  extends Pick<
    ReachOptions,
    'apiKey' | 'baseUrl' | 'headers' | 'home' | 'environment' | 'workingFolder' | 'dotenv' | 'signal'
  > {
  /** Only these; a key that one of them lacks is a fault then. Default: all. With `apiKey`, `baseUrl` or `headers` it has to be one. */
  readonly provider?: readonly ProviderName[] | undefined;
  /** Told of each finding as soon as it is made. */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

/**
 * What a run needs of this machine, and whether the providers take the keys that are found, as `loom doctor` tells it. Asks
 * each provider with a key for its models, and writes nothing. LoomError `usage` for a key, an address or a header without the one
 * provider that it is for.
 */
export async function doctor(options: DoctorOptions = {}): Promise<readonly Finding[]> {
  requireOne(options);
  return withProviders(options, (own) => examineAll(options, own));
}

async function examineAll(options: DoctorOptions, own: OwnProviders): Promise<readonly Finding[]> {
  const { provider, apiKey, baseUrl, headers, onFinding = () => {} } = options;
  const variables = variablesOf(options);
  const { environment, workingFolder } = surroundingsOf(options);
  const place = {
    home: locateHome(options),
    given: { apiKey, baseUrl },
    headersFor: openHeaders(headers, variables),
    variables,
    environment,
    folder: options.dotenv ? workingFolder : undefined,
    nodeVersion: nodeVersion(),
    ownProviders: describeOwn(own),
  };
  const entries = (provider ?? providerNames()).map(providerEntry);
  // An address that is given and makes no sense is an error; one that is found in a variable is a finding.
  if (baseUrl !== undefined) for (const entry of entries) resolveBaseUrl(entry, baseUrl, undefined, {});
  return underSignal(options.signal, async (signal) => {
    const findings: Finding[] = [];
    for await (const finding of examine(place, entries, provider !== undefined, signal)) {
      findings.push(finding);
      onFinding(finding);
    }
    return findings;
  });
}

function describeOwn({ path, entries, taken, fault }: OwnProviders): Finding | undefined {
  const about = 'providers';
  if (fault) return { about, state: 'wrong', told: describeTold(fault) };
  if (taken.length > 0) {
    const told = `${taken.join(', ')} in ${path} ${taken.length === 1 ? 'is' : 'are'} built in, and what the file says does not count: give another name.`;
    return { about, state: 'wrong', told };
  }
  if (entries.size === 0) return undefined;
  return { about, state: 'ok', told: `${[...entries.keys()].join(', ')} in ${path}` };
}

/** What is for one provider must not reach another. */
function requireOne({ provider = [], apiKey, baseUrl, headers }: DoctorOptions): void {
  const others = baseUrl !== undefined ? 'baseUrl' : areForAnyone(headers) ? 'headers' : undefined;
  const option = apiKey !== undefined ? 'apiKey' : others;
  if (option === undefined || provider.length === 1) return;
  throw new LoomError('usage', `${option} takes one provider.`, {
    code: 'given_without_provider',
    facts: { option },
    hint: 'Name it in provider.',
  });
}
