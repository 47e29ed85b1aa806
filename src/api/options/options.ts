/** What a program asks of the library. */
import type { Told } from '../../core/errors.ts';
import type { FileType, GenerationSettings, ProviderName } from '../../core/models.ts';

/** The input, and whom to ask. */
export interface InputOptions {
  /** Path of the input, whose extension tells its format; or what brings it, which is kept on disk while it is needed. */
  readonly file: string | InputStream;
  readonly provider: ProviderName;
  /** As the provider names it. */
  readonly model: string;
  /** The column or field that holds the prompt; JSON rows have `prompt` when it is absent. */
  readonly col?: string | undefined;
  /** A template in place of `col`: `Translate {{text}} into {{language}}`. */
  readonly prompt?: string | undefined;
  /** In place of `col`: the column or field that holds a conversation, a list of messages with `role` and `content`. */
  readonly messages?: string | undefined;
  /**
   * Columns or fields that name files to go with each prompt, or templates that do: a path from the input's folder on, an
   * http(s) address or a data URI, several on lines of their own. PNG, JPEG, WebP, GIF and PDF.
   */
  readonly attach?: readonly string[] | undefined;
  /** The column or field that names rows in `<output>.errors.jsonl`. Default: `id`, where there is one. */
  readonly rowId?: string | undefined;
  /** What stands between two cells of a CSV file, such as `;`, or `tab`. Default: it is found. */
  readonly delimiter?: string | undefined;
  /** `none` where quotes in a tab-separated file are text. Default: `csv`, they hold cells together. */
  readonly quoting?: 'csv' | 'none' | undefined;
  /** Whether rows of a table may lack empty cells at their end. Default false: it is an error. */
  readonly padRows?: boolean | undefined;
  /** A label of the WHATWG, such as `windows-1252`. Default: UTF-8, or what a byte order mark says. */
  readonly encoding?: string | undefined;
  /** Told, in whole sentences, of what in the input could be meant in two ways; each time that it is read. */
  readonly onRemark?: ((remark: string, told: Told) => void) | undefined;
  /** Only the first rows. */
  readonly limit?: number | undefined;
  /** Only so many rows, at random; `sampleSeed` (0) chooses which. */
  readonly sample?: number | undefined;
  readonly sampleSeed?: number | undefined;
  readonly settings?: GenerationSettings | undefined;
}

/** An input that is no file. */
export interface InputStream {
  readonly content: AsyncIterable<Uint8Array>;
  readonly format: FileType;
  /** What errors call it. Default: `the stream`. */
  readonly name?: string | undefined;
}

/** How a provider and the state on disk are reached. */
export interface ReachOptions {
  /** Default: the provider's variable in `process.env`. */
  readonly apiKey?: string | undefined;
  /** Default: the provider's variable in `process.env`, else the provider's own address. */
  readonly baseUrl?: string | undefined;
  /**
   * Sent with each request to the provider, beside those of `LOOM_HEADERS`: `{ 'X-Team': 'blue' }`. A name as
   * `openai/X-Team` is for that provider alone. Their values are told no more than the key is.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Where records, journals and the cache are. Default: `LOOM_HOME`, else `~/.loom`. */
  readonly home?: string | undefined;
  /** Default: `LOOM_CACHE_DIR`, else `cache` in the home. */
  readonly cacheDir?: string | undefined;
  /** Stops the work: nothing new is sent, and what is rejected is the signal's reason. What was paid for is kept. */
  readonly signal?: AbortSignal | undefined;
  /** In place of `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** What relative paths are taken from, in place of `process.cwd()`. */
  readonly workingFolder?: string | undefined;
  /** Whether a `.env` in that folder adds to the environment, as it does for the program. Default false. */
  readonly dotenv?: boolean | undefined;
  /** Whether `onEvent` is told of each request too. Default false. */
  readonly requests?: boolean | undefined;
  /** A rehearsal, whose state is apart: where a stand-in for each provider is, by name; `true` where none is asked. */
  readonly sandbox?: boolean | Readonly<Record<ProviderName, string>> | undefined;
}

/** Of live runs. */
export interface TierOptions {
  /**
   * A slower and cheaper, or a faster and dearer way to be answered, as the provider names it: `flex`. No part of what is
   * asked: answers in the cache count whichever they came in.
   */
  readonly tier?: string | undefined;
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

export type AskOverwrite = (outputPath: string, id?: string) => Promise<'yes' | 'no' | 'nobody'>;

/** What becomes of the answers. */
export interface OutputOptions {
  /** Default: `<input>_results_<provider>_<model>.<ext>` beside the input. */
  readonly output?: string | undefined;
  /**
   * Whether a file in the way may go. Default false: it is an error before anything is sent. A function is asked when the
   * output is to be written; `nobody` stands for false.
   */
  readonly overwrite?: boolean | AskOverwrite | undefined;
  readonly withMeta?: boolean | undefined;
  readonly withError?: boolean | undefined;
  readonly withUsage?: boolean | undefined;
  /**
   * The fields that each answer is to have, as text, such as `tone: good|bad, score?: integer`; each becomes a column. They
   * stand for a `settings.schema`.
   */
  readonly fields?: string | undefined;
  /** Whether each property at the top level of `settings.schema` becomes a column, as a field does. Default false. */
  readonly schemaColumns?: boolean | undefined;
  /** Whether there is a column for the answer itself. Default true. */
  readonly response?: boolean | undefined;
  /** The name of the answer's column, with which the names of others begin. Default: `llm_response`, and `llm`. */
  readonly as?: string | undefined;
  /** What the names of fields' columns begin with. */
  readonly prefix?: string | undefined;
  /** Whether columns of the input that have the names of ours are replaced. Default false: it is an error. */
  readonly replaceColumns?: boolean | undefined;
  /** Default true. */
  readonly cache?: boolean | undefined;
  /** What the server is called whose answers these are, in place of its address. */
  readonly serverName?: string | undefined;
}
