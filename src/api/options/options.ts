/** What a program asks of the library, and how that becomes an order. */
import { resolve } from 'node:path';
import { describeTold, LoomError } from '../../core/errors.ts';
import type { GenerationSettings, ProviderName } from '../../core/models.ts';
import { providerNames } from '../../core/names.ts';
import { parseTemplate } from '../../formats/template/prompt-template.ts';
import { isServerName } from '../../orchestrator/calls/answer-server.ts';
import { checkPick, defaultOutputPath, describeDataset } from '../../orchestrator/dataset/dataset.ts';
import type { DatasetOrder } from '../../orchestrator/dataset/dataset-order.ts';
import { readColumns } from '../../orchestrator/output/columns.ts';
import { checkOutputPath, outputExists, type Placing } from '../../storage/output-file.ts';

/** The input, and whom to ask. */
export interface InputOptions {
  /** Path of the input; its extension tells its format. */
  readonly file: string;
  readonly provider: ProviderName;
  /** As the provider names it. */
  readonly model: string;
  /** The column or field that holds the prompt; JSON rows have `prompt` when it is absent. */
  readonly col?: string | undefined;
  /** A template in place of `col`: `Translate {{text}} into {{language}}`. */
  readonly prompt?: string | undefined;
  /** The column or field that names rows in `<output>.errors.jsonl`. Default: `id`, where there is one. */
  readonly rowId?: string | undefined;
  /** Told, in whole sentences, of what in the input could be meant in two ways; each time that it is read. */
  readonly onRemark?: ((remark: string) => void) | undefined;
  /** Only the first rows. */
  readonly limit?: number | undefined;
  /** Only so many rows, at random; `sampleSeed` (0) chooses which. */
  readonly sample?: number | undefined;
  readonly sampleSeed?: number | undefined;
  readonly settings?: GenerationSettings | undefined;
}

/** How a provider and the state on disk are reached. */
export interface ReachOptions {
  /** Default: the provider's variable in `process.env`. */
  readonly apiKey?: string | undefined;
  /** Default: the provider's variable in `process.env`, else the provider's own address. */
  readonly baseUrl?: string | undefined;
  /** Where records, journals and the cache are. Default: `LOOM_HOME`, else `~/.loom`. */
  readonly home?: string | undefined;
  /** Default: `LOOM_CACHE_DIR`, else `cache` in the home. */
  readonly cacheDir?: string | undefined;
  /** Stops the work: nothing new is sent, and what is rejected is the signal's reason. What was paid for is kept. */
  readonly signal?: AbortSignal | undefined;
  /** In place of `process.env`. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** What relative paths are taken from, in place of `process.cwd()`. */
  readonly workingFolder?: string | undefined;
  /** Whether a `.env` in that folder adds to the environment, as it does for the program. Default false. */
  readonly dotenv?: boolean | undefined;
  /** Whether `onEvent` is told of each request too. Default false. */
  readonly requests?: boolean | undefined;
  /** A rehearsal, whose state is apart: where a stand-in for each provider is; `true` where none is asked. */
  readonly sandbox?: boolean | Readonly<Record<ProviderName, string>> | undefined;
}

/** How the calls of a live run, or of a count, are made. */
export interface CallOptions {
  /** Concurrent calls. Default 8. */
  readonly workers?: number | undefined;
  /**
   * How long a call may take in all, in milliseconds. Default 10 minutes. A row that runs into it has failed with the
   * kind `timeout`, and is not asked again by itself.
   */
  readonly callTimeoutMs?: number | undefined;
  /**
   * How long rate limits are waited out while no call is answered, in milliseconds. Default 5 minutes. The run ends then,
   * and at once where a limit says that it lasts longer or is of a day: a ProviderError, whose `retryAfterMs` says for how
   * long, if that is known.
   */
  readonly patienceMs?: number | undefined;
}

/** What becomes of the answers. */
export interface OutputOptions {
  /** Default: `<input>_results_<provider>_<model>.<ext>` beside the input. */
  readonly output?: string | undefined;
  /** Whether a file in the way may go. Default false: it is an error before anything is sent. */
  readonly overwrite?: boolean | undefined;
  readonly withMeta?: boolean | undefined;
  readonly withError?: boolean | undefined;
  readonly withUsage?: boolean | undefined;
  /** Default true. */
  readonly cache?: boolean | undefined;
  /** What the server is called whose answers these are, in place of its address. */
  readonly serverName?: string | undefined;
}

/** LoomError `usage` or `input` for what can't be. */
export function describeInput(options: InputOptions): DatasetOrder {
  const { file, provider, col, prompt, rowId, limit, sample, sampleSeed, onRemark } = options;
  if (!providerNames.includes(provider)) {
    throw new LoomError('usage', `there is no provider ${JSON.stringify(provider)}.`, {
      hint: `There are ${providerNames.join(', ')}.`,
    });
  }
  requireWhole({ limit, sample, sampleSeed });
  if (prompt !== undefined && col !== undefined) throw exclude('prompt', 'col');
  if (limit !== undefined && sample !== undefined) throw exclude('limit', 'sample');
  if (prompt !== undefined) parseTemplate(prompt);
  const source =
    prompt !== undefined ? { template: prompt } : col !== undefined ? { column: col } : undefined;
  const pick =
    limit !== undefined ? { limit } : sample !== undefined ? { sample, seed: sampleSeed ?? 0 } : undefined;
  return {
    ...describeDataset(resolve(file), source),
    pick,
    rowId,
    ...(onRemark && { onRemark: (remark) => onRemark(describeTold(remark)) }),
  };
}

/** LoomError `usage` names the first that is none; a program without types may pass anything. */
export function requireWhole(numbers: Readonly<Record<string, number | undefined>>): void {
  for (const [name, number] of Object.entries(numbers)) {
    const least = name === 'sampleSeed' ? 0 : 1;
    if (number === undefined || (Number.isSafeInteger(number) && number >= least)) continue;
    throw new LoomError('usage', `${name} must be a whole number of at least ${least}, not ${number}.`);
  }
}

/** LoomError `usage` for two options that can't stand together. */
export function exclude(one: string, other: string): LoomError {
  return new LoomError('usage', `${one} and ${other} exclude each other.`, {
    hint: 'Leave one of them out.',
  });
}

/** LoomError `output` for an output that can't be written, or that is in the way. */
export async function describeRun(options: InputOptions & OutputOptions) {
  const { provider, model, settings, serverName } = options;
  if (serverName !== undefined && !isServerName(serverName)) {
    throw new LoomError('usage', `${JSON.stringify(serverName)} can't be the name of a server.`, {
      hint: 'It is made of letters, digits, ".", "_" and "-", at most 100, and not "sandbox".',
    });
  }
  const dataset = describeInput(options);
  const outputPath = resolve(options.output ?? defaultOutputPath(dataset, provider, model));
  checkPick(dataset, outputPath);
  if ((await checkOutputPath(outputPath)) && !options.overwrite) throw outputExists(outputPath);
  return {
    dataset,
    provider,
    model,
    settings,
    outputPath,
    placing: (options.overwrite ? 'replace' : 'new') satisfies Placing as Placing,
    columns: readColumns(options),
    useCache: options.cache ?? true,
  };
}
