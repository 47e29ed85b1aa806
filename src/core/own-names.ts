/**
 * What the files of a home and of a cache are called, whole names, as this program and its older builds give them. What
 * is called otherwise is somebody else's: it is never taken for evidence, swept or cleared.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileTypes, providerNamePattern } from './names.ts';

const job = String.raw`job_\d{14}_[0-9a-f]{6}`;
const run = '(?:live|sync)_[0-9a-f]{24}';
/** With what other names here begin: nothing of a provider may be called so. */
const otherBeginnings = ['job', 'live', 'sync', 'input', 'output', 'work', 'answers'];
const batch = `(?!(?:${otherBeginnings.join('|')})_)${providerNamePattern.source.slice(1, -1)}_.+`;
/** A record without a job is of the Python tool, which knew no other providers, or of an early build. */
const batchWithoutJob = '(?:openai|anthropic|google|openrouter|alibaba)_.+';
const written = String.raw`\.[0-9a-f]{12}\.tmp`;
/** What a lock is on: a job, run or batch, or what several of them could do at once. */
const locked = `${job}|${run}|${batchWithoutJob}|inputs|keys|input_[0-9a-f]+_[0-9a-f]{16}|(?:output|work)_[0-9a-f]{24}`;
const inputTypes = [...fileTypes, 'ndjson'].join('|');

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`, 's');

/** Names that say by themselves whose they are: no other program's files are called so. */
export const ownNames = {
  job: whole(String.raw`(?<owner>${job})\.json`),
  request: whole(String.raw`(?<owner>${job})_\d+\.(?:jsonl|ids)`),
  cachedAnswers: whole(String.raw`(?<owner>${job})_(?:(?:cached|imported)\.jsonl|files\.json)`),
  journal: whole(String.raw`(?<owner>${run})(?:_uncached)?(?:\.[0-9a-f]{12})?\.jsonl`),
  /** An output that goes to stdout, with what is written beside it. */
  delivery: whole(String.raw`\.?(?<owner>${run})_output(?:\..+)?`),
  lock: whole(String.raw`(?<owner>${locked})\.\d+\.lock`),
  pack: whole(String.raw`answers_\d{17}_[0-9a-f]{16}\.pack`),
  growingPack: whole(String.raw`answers_\d{17}_[0-9a-f]{16}\.growing`),
} as const;

/** The name of a new pack of cached answers; those of later ones sort behind it. */
export function packName(now: Date, random: string): string {
  return `${startOfPackName(now, random)}.pack`;
}

/** The same while a live run adds to it. */
export function growingPackName(now: Date, random: string): string {
  return `${startOfPackName(now, random)}.growing`;
}

function startOfPackName(now: Date, random: string): string {
  return `answers_${now.toISOString().replace(/\D/g, '')}_${random}`;
}

/** Names that others may give too: what a file holds, or the folder it is in, has to say the rest. */
export const likelyNames = {
  /** Of a batch of any provider, too, if there is one of that name. */
  lock: whole(String.raw`(?<owner>${locked}|${batch})\.\d+\.lock`),
  record: whole(String.raw`${batch}\.json`),
  results: whole(String.raw`${batch}\.jsonl`),
  historyEntry: whole(String.raw`[0-9a-f]{32}\.json`),
  refusal: whole(String.raw`[0-9a-f]{32}\.json`),
  input: whole(String.raw`[0-9a-f]{64}\.(?:${inputTypes})(?:\.gz)?|[0-9a-f]{16}\.part`),
  cacheEntry: whole(String.raw`[0-9a-f]{64}\.json`),
} as const;

/** Whether files of a provider can be told from all others by this name of it. */
export function fitsFileNames(provider: string): boolean {
  return providerNamePattern.test(provider) && !otherBeginnings.includes(provider);
}

/** Files on their way to their names. */
export const temporaryNames = {
  cache: whole(String.raw`[0-9a-f]{16}\.tmp`),
  mark: whole(String.raw`\.loom-(?:home|cache)\.json${written}`),
} as const;

/**
 * The names of the files of a folder that are called so. Links are none of them, and nothing that a link leads to: who
 * made a link did not mean it for us. A folder that can't be read holds none.
 */
export function listOwnFiles(folder: string, name: RegExp): string[] {
  try {
    if (!lstatSync(folder).isDirectory()) return [];
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && name.test(entry.name)).map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** The same with their folder. */
export function listOwnPaths(folder: string, name: RegExp): string[] {
  return listOwnFiles(folder, name).map((file) => join(folder, file));
}

/** The job or run that a file belongs to by its name. */
export function ownerIn(fileName: string, name: RegExp): string | undefined {
  return name.exec(fileName)?.groups?.owner;
}
