/** What a person asks of a fetch, from the flags of `fetch`, or of `run --wait`. */
import { resolve } from 'node:path';
import type { FetchOrder, ReachOfOne } from '../../orchestrator/batch/fetch/fetch-run.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { CommandContext, FetchOptions } from '../options/options.ts';
import type { Reach } from '../options/story-reach.ts';

type OrderFlags = Pick<FetchOptions, 'id' | 'keep' | 'force' | 'partial' | 'file' | 'apiKey' | 'baseUrl'>;

export function describeFetch(
  options: OrderFlags,
  reach: Reach,
  { workingFolder, terminal }: CommandContext,
): FetchOrder {
  return {
    id: options.id,
    keep: options.keep,
    force: options.force,
    partial: options.partial,
    inputPath: options.file === undefined ? undefined : resolve(workingFolder, options.file),
    workingFolder,
    reachOfOne: nameReach(options),
    connect: (provider, recordedBaseUrl) => reach.connect(providerEntry(provider), recordedBaseUrl),
    async confirmOverwrite(outputPath, id) {
      if (!terminal.canAsk) return 'nobody';
      terminal.warn(`output file ${outputPath} already exists (batch ${id}).`);
      return terminal.confirm('Overwrite?');
    },
  };
}

/** The flag whose key or address is one provider's only. */
function nameReach({ apiKey, baseUrl }: OrderFlags): ReachOfOne | undefined {
  const given = apiKey !== undefined ? '--api-key' : baseUrl !== undefined ? '--base-url' : undefined;
  return given && { given, naming: '--id' };
}
