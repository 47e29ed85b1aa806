/** What each command is asked for, as its flags say it. */
import type { InputOptions as InputOfLibrary } from '../../api/options/options.ts';
import type { ApiName, Effort, FileType, ProviderName } from '../../core/models.ts';
import type { Shell, StatusWord } from '../../core/names.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DocumentDraft, Voice } from '../terminal/voice.ts';

/** Flags of every command that say how it speaks. */
export interface VoiceOptions {
  quiet?: boolean;
  verbose?: boolean;
  outputFormat?: 'text' | 'json';
}

/** Flags of every command that calls. */
export interface HeaderOptions {
  /** Each as `Name: value`. */
  header?: string[];
}

/** Flags by which a command reaches a provider. */
export interface ReachOptions extends HeaderOptions {
  apiKey?: string;
  baseUrl?: string;
  sandbox: boolean;
}

/** Flags that say how to generate. */
export interface SettingsOptions {
  /** The text, or `@` and the name of a file that holds it. */
  system?: string;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  topK?: number;
  stop?: string[];
  seed?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  effort?: Effort;
  json?: boolean;
  /** The text, or `@` and the name of a file that holds it. */
  fields?: string;
  /** The name of a file, with `@` or without, or JSON. */
  schema?: string;
  /** The name of a file, with `@` or without. */
  fewShot?: string;
  api?: ApiName;
  /** Field of the request body → its value. */
  param?: Readonly<Record<string, unknown>>;
}

/** Flags of the commands that read or fill the cache. */
export interface CacheOptions {
  /** Where the cache is. */
  cacheDir?: string;
}

/** Flags that say what is asked, and of whom. */
export interface InputOptions extends Omit<InputOfLibrary, 'file' | 'settings' | 'onRemark'> {
  /** `-` is stdin. */
  file: string;
  /** What stdin holds. */
  format?: FileType;
}

/** Flags that say how to generate, and what the output holds. */
export interface OrderOptions extends InputOptions, SettingsOptions, CacheOptions {
  /** `-` is stdout. */
  output?: string;
  /** false with --no-cache. */
  cache: boolean;
  /** Whose answers these are, in place of the address. */
  serverName?: string;
  withMeta: boolean;
  withUsage: boolean;
  withError: boolean;
  /** A column for each property of the schema. */
  columns: boolean;
  /** false with --no-response. */
  response: boolean;
  as?: string;
  prefix?: string;
  replaceColumns: boolean;
}

/** Flags that say whether and how a command waits for batches. */
export interface WaitFlags {
  wait: boolean;
  /** Milliseconds between two checks of a batch. */
  interval?: number;
  /** Milliseconds. */
  timeout?: number;
}

/** Flags of the commands that make a call for each prompt. */
export interface CallOptions {
  workers: number;
  /** Milliseconds. */
  callTimeout?: number;
  /** Milliseconds. */
  patience?: number;
}

export interface RunOptions extends OrderOptions, ReachOptions, WaitFlags, CallOptions {
  sync: boolean;
  /** Asks for a batch in so many words. */
  batch?: true;
  force: boolean;
  /** Says what a run does by itself: it sends nothing while the same work is pending. */
  once: boolean;
  /** Submits also while the same work is pending. */
  again: boolean;
  /** Of live calls, as the provider names it. */
  tier?: string;
  /** How often an answer that does not fit is asked for again. */
  retryMisfits?: number;
  /** Most rows in one batch; the provider's limit when absent. */
  batchSize?: number;
  /** Sends and writes nothing, and tells what would be sent. */
  dryRun: boolean;
  /** Shows so many prompts and sends none; true without a number. */
  preview?: number | true;
  /** US dollars. */
  maxCost?: number;
}

export interface FetchOptions extends ReachOptions, CacheOptions, WaitFlags {
  id?: string;
  /** false with --no-all. */
  all: boolean;
  keep: boolean;
  force: boolean;
  partial: boolean;
  /** Where the input is now. */
  file?: string;
}

export interface AdoptOptions extends OrderOptions, ReachOptions {
  id: string;
}

export interface ExportOptions
  extends InputOptions,
    SettingsOptions,
    CacheOptions,
    Pick<OrderOptions, 'output' | 'cache' | 'serverName'>,
    Pick<ReachOptions, 'baseUrl' | 'header'> {
  force: boolean;
}

export interface ImportOptions extends OrderOptions, Pick<ReachOptions, 'baseUrl' | 'header'> {
  /** Paths of files of results. */
  results: string[];
  force: boolean;
}

export interface ListOptions {
  status?: StatusWord[];
  provider?: ProviderName[];
  sandbox: boolean;
}

export interface ModelsOptions extends ReachOptions {
  /** The words that were given, as one text. */
  search?: string;
  provider?: ProviderName[];
  live: boolean;
}

export interface DoctorOptions extends Omit<ReachOptions, 'sandbox'> {
  provider?: ProviderName[];
}

export interface StatusOptions extends ReachOptions {
  id: string;
  /** Asks no provider. */
  offline: boolean;
}

export interface CancelOptions extends ReachOptions {
  id: string;
  yes: boolean;
}

export interface ForgetOptions extends HeaderOptions {
  id?: string[];
  status?: StatusWord[];
  yes: boolean;
  sandbox: boolean;
}

export interface TokensOptions
  extends InputOptions,
    ReachOptions,
    CallOptions,
    Pick<SettingsOptions, 'system'> {
  /** Counts on this machine. */
  estimate: boolean;
}

export interface ReportOptions extends Pick<InputOptions, 'col' | 'prompt' | 'delimiter' | 'quoting'> {
  /** Path of an output, or the id of the batch or job that it came from. */
  target: string;
  /** The column of the answers. */
  answer?: string;
  output?: string;
  /** Most rows that the page shows. */
  rows: number;
  force: boolean;
  sandbox: boolean;
}

export interface CompareOptions extends Pick<InputOptions, 'delimiter' | 'quoting'> {
  /** Paths of outputs, or ids of the batches or jobs that they came from. */
  targets: string[];
  on?: string;
  answer?: string[];
  expect?: string;
  output?: string;
  /** Most rows that the page shows. */
  rows: number;
  force: boolean;
  sandbox: boolean;
}

export interface CacheStatsOptions extends CacheOptions {
  sandbox: boolean;
}

export interface CacheClearOptions extends CacheStatsOptions {
  yes: boolean;
  /** Milliseconds. */
  olderThan?: number;
  provider?: ProviderName;
  model?: string;
}

export interface SandboxServerOptions {
  port: number;
  /** Milliseconds before a live answer. */
  latency: number;
  /** Milliseconds from the creation of a batch to its end. */
  turnaround: number;
  /** A JSON file of faults. */
  faults?: string;
}

/** Of `loom keys set` and `loom keys rm`. */
export interface KeyOptions {
  provider: ProviderName;
}

export interface CompletionOptions {
  shell: Shell;
}

/** What a command gets beside its options. */
export interface CommandContext {
  /** The program's own. */
  readonly version: string;
  readonly terminal: Terminal;
  readonly voice: Voice;
  /** What `--output-format json` prints when the command is over. */
  readonly document: DocumentDraft;
  /** With what a file of defaults adds to it. */
  environment: NodeJS.ProcessEnv;
  readonly workingFolder: string;
  /** The file that gave defaults of flags; undefined for none. */
  configPath?: string | undefined;
  /** Defaults of that file which the command would use, and that need a yes. */
  doubts?: readonly Doubt[];
  /** Aborted with an InterruptedError by a signal, and with another LoomError by an error that no step waits for. */
  readonly signal: AbortSignal;
}

/** One function per command; each returns the exit code. */
export interface Commands {
  run(options: RunOptions, context: CommandContext): Promise<number>;
  fetch(options: FetchOptions, context: CommandContext): Promise<number>;
  adopt(options: AdoptOptions, context: CommandContext): Promise<number>;
  exportRun(options: ExportOptions, context: CommandContext): Promise<number>;
  importRun(options: ImportOptions, context: CommandContext): Promise<number>;
  list(options: ListOptions, context: CommandContext): Promise<number>;
  examine(options: DoctorOptions, context: CommandContext): Promise<number>;
  listModels(options: ModelsOptions, context: CommandContext): Promise<number>;
  showStatus(options: StatusOptions, context: CommandContext): Promise<number>;
  cancel(options: CancelOptions, context: CommandContext): Promise<number>;
  forget(options: ForgetOptions, context: CommandContext): Promise<number>;
  tokens(options: TokensOptions, context: CommandContext): Promise<number>;
  report(options: ReportOptions, context: CommandContext): Promise<number>;
  compare(options: CompareOptions, context: CommandContext): Promise<number>;
  setKey(options: KeyOptions, context: CommandContext): Promise<number>;
  listKeys(options: object, context: CommandContext): Promise<number>;
  removeKey(options: KeyOptions, context: CommandContext): Promise<number>;
  showCache(options: CacheStatsOptions, context: CommandContext): Promise<number>;
  clearCache(options: CacheClearOptions, context: CommandContext): Promise<number>;
  completion(options: CompletionOptions, context: CommandContext): Promise<number>;
  serveSandbox(options: SandboxServerOptions, context: CommandContext): Promise<number>;
}

/** A default that needs a yes. */
export interface Doubt {
  /** The flag. */
  readonly flag: string;
  readonly path: string;
  /** What is wrong with it, as the end of a sentence. */
  readonly reason: string;
}
