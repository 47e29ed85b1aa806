/** `doctor` of the library. */
import { type ProviderName, providerNames } from '../../core/names.ts';
import { examine, type Finding } from '../../orchestrator/doctor/examine.ts';
import type { ReachOptions } from '../options/options.ts';
import { locateHome, nodeVersion, surroundingsOf, underSignal, variablesOf } from '../options/reach.ts';
import { findProvider } from '../options/run-order.ts';

export type { Finding };

export interface DoctorOptions
  extends Pick<ReachOptions, 'home' | 'environment' | 'workingFolder' | 'dotenv' | 'signal'> {
  /** Only these; a key that one of them lacks is a fault then. Default: all. */
  readonly provider?: readonly ProviderName[] | undefined;
  /** Told of each finding as soon as it is made. */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
}

/**
 * What a run needs of this machine, and whether the providers take the keys that are found, as `loom doctor` tells it. Asks
 * each provider with a key for its models, and writes nothing.
 */
export function doctor(options: DoctorOptions = {}): Promise<readonly Finding[]> {
  const { provider, onFinding = () => {} } = options;
  const { environment, workingFolder } = surroundingsOf(options);
  const place = {
    home: locateHome(options),
    variables: variablesOf(options),
    environment,
    folder: options.dotenv ? workingFolder : undefined,
    nodeVersion: nodeVersion(),
  };
  const entries = (provider ?? providerNames).map(findProvider);
  return underSignal(options.signal, async (signal) => {
    const findings: Finding[] = [];
    for await (const finding of examine(place, entries, provider !== undefined, signal)) {
      findings.push(finding);
      onFinding(finding);
    }
    return findings;
  });
}
