/** The words that the command line and the files on disk share; apart from the schemas, so that help needs none of them. */

/**
 * How the command line, records and names of files call a provider. Which there are the registry knows; a record may name
 * one that is not there any more.
 */
export type ProviderName = string;

/** What a provider may be called: part of names of files, of variables and of the command line. */
export const providerNamePattern = /^[a-z][a-z0-9-]{0,31}$/;

/** What people call providers by their models or services. */
export const otherProviderNames: Readonly<Record<string, ProviderName>> = {
  ...{ claude: 'anthropic', gpt: 'openai', chatgpt: 'openai', gemini: 'google', vertex: 'google' },
  ...{ qwen: 'alibaba', dashscope: 'alibaba', aliyun: 'alibaba' },
  ...{ kimi: 'moonshot', glm: 'zai', zhipu: 'zai', bigmodel: 'zai', ovhcloud: 'ovh' },
  ...{ grok: 'xai', 'x-ai': 'xai' },
};

export const batchStatuses = [
  'validating',
  'in_progress',
  'completed',
  'failed',
  'expired',
  'cancelled',
  'unknown',
] as const;
export type BatchStatus = (typeof batchStatuses)[number];

/** What `--status` takes: a status, `queued` for parts that are no batch yet, or a group of them. */
export const statusWords = [...batchStatuses, 'queued', 'pending', 'stuck'] as const;
export type StatusWord = (typeof statusWords)[number];

export const fileTypes = ['csv', 'tsv', 'json', 'jsonl', 'parquet'] as const;
export type FileType = (typeof fileTypes)[number];

/** Those that `loom completion` has a script for. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** The first argument by which such a script asks for proposals: no command of people's. */
export const completeWord = '__complete';

/**
 * The key that `loom sandbox` gives people. The sandbox takes others too; by this one a run knows, before its first call,
 * that what answers is made up.
 */
export const sandboxKey = 'sandbox-key';

/** What a rehearsal has in the place of its server's address: the port is another one each time. */
export const sandboxName = 'sandbox';

/** Whether a server may be called so: no address looks like it, since an address has a colon. */
export function isServerName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text) && text.toLowerCase() !== sandboxName;
}

/** What the column of the answers is called where nobody says otherwise. */
export const usualAnswer = 'llm_response';
