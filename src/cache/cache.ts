/** Answers on disk, one file each under `cache/`, found by provider, model, prompt and settings. */
import { hash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join, sep } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { type Answer, type CacheEntry, cacheEntrySchema, type GenerationSettings } from '../core/models.ts';
import { pythonSettingsText, settingsText } from '../core/request/settings-text.ts';
import { describeDiskError, errorCode, removeQuietly } from '../storage/files.ts';
import type { LoomHome } from '../storage/home.ts';
import { ensureCache, ensureHome } from '../storage/marks.ts';
import {
  checkSharing,
  makeCacheFolder,
  makeSharedFolder,
  type Sharing,
  sharingOf,
  writeSharedFile,
} from '../storage/sharing.ts';

/** What an answer was asked with, beside the prompt. */
interface Source {
  readonly provider: string;
  readonly model: string;
  readonly settings: GenerationSettings | undefined;
}

/** Whose answers are kept and taken. */
export interface AnswerServer {
  /** An address, or a name in its place; entries bear it. */
  readonly name: string;
  /** Whether its entries have plain names, without it: those of the vendor itself. */
  readonly isPlain: boolean;
}

/**
 * Names entries: sha256 of `<provider>|<model>|<prompt>|<settings>|@<server>` in hex; without settings, and for a server
 * with plain names, their `|` is absent too.
 */
function createKeys({ provider, model, settings }: Source, server?: AnswerServer): (asked: string) => string {
  const text = settingsText(settings);
  const place = server && !server.isPlain ? `|@${server.name}` : '';
  const end = `${text === undefined ? '' : `|${text}`}${place}`;
  return (asked) => hash('sha256', `${provider}|${model}|${asked}${end}`);
}

/** The names under which the Python tool files the same entries: it joins with NUL bytes. */
function createPythonKeys({ provider, model, settings }: Source): (asked: string) => string {
  const text = pythonSettingsText(settings);
  const end = text === undefined ? '' : `\0${text}`;
  return (asked) => hash('sha256', `${provider}\0${model}\0${asked}${end}`);
}

/** Entries on their way; apart, so that what a killed process left is found without reading a million names. */
export function cacheTemporaryFolder(folder: string): string {
  return join(folder, 'tmp');
}

/** By what was asked, as `contentText` has it. */
export interface ResponseCache {
  /** The stored answer, or undefined: absent, damaged, empty and mislabelled entries are all misses. */
  get(asked: string): Answer | undefined;
  /** Stores an answer; an empty one is not kept. LoomError `state` where the disk refuses. */
  set(asked: string, answer: Answer): void;
}

/**
 * The cache for one provider, model, set of settings and server. Its folder is made, and marked, by the first `set`. What
 * another server answered is a miss. An entry that names none, of an older build or the Python tool, counts for any.
 */
export function openCache(
  folder: string,
  provider: string,
  model: string,
  settings?: GenerationSettings | undefined,
  server?: AnswerServer | undefined,
): ResponseCache {
  const source = { provider, model, settings };
  const keyOf = createKeys(source, server);
  const plainKeyOf = server && !server.isPlain ? createKeys(source) : undefined;
  const pythonKeyOf = createPythonKeys(source);
  const isFromHere = createSourceCheck(source, server);
  const hasSettings = settingsText(settings) !== undefined;
  // Runs are all hits or nearly all misses: as the last look-up went, so will the next.
  let expectsHit = true;
  const write = createEntryWriter(folder);

  // Synchronous on purpose: a small local file is read in a third of the time that a trip through the thread pool takes.
  function readEntry(key: string): Answer | undefined {
    const path = `${folder}${sep}${key}.json`;
    // Reading what is not there throws, which costs ten times as much as this look; the look costs a third of a hit.
    if (!expectsHit && !existsSync(path)) return undefined;
    try {
      const entry = cacheEntrySchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
      return entry.success && isFromHere(entry.data) ? decodeAnswer(entry.data) : undefined;
    } catch {
      return undefined;
    }
  }

  return {
    get(asked) {
      const answer = readEntry(keyOf(asked));
      expectsHit = answer !== undefined;
      return answer ?? (plainKeyOf && readEntry(plainKeyOf(asked))) ?? readEntry(pythonKeyOf(asked));
    },
    set(asked, answer) {
      if (answer.text === '') return;
      const created_at = new Date().toISOString();
      const address = server?.name;
      const entry = { provider, model, ...encodeAnswer(answer), created_at, address };
      write(keyOf(asked), hasSettings ? { ...entry, params: settings } : entry);
    },
  };
}

function createSourceCheck(
  { provider, model, settings }: Source,
  server: AnswerServer | undefined,
): (entry: CacheEntry) => boolean {
  const text = settingsText(settings);
  const asWritten = JSON.stringify(settings);
  // Entries of our own have the members in the same order, and the canonical text costs five times as much.
  const hasSameSettings = (params: GenerationSettings | undefined) =>
    JSON.stringify(params) === asWritten || settingsText(params) === text;
  const isOfServer = (address: string | undefined) => address === undefined || address === server?.name;
  return (entry) =>
    entry.provider === provider &&
    entry.model === model &&
    isOfServer(entry.address) &&
    hasSameSettings(entry.params);
}

function encodeAnswer({ text, usage, finishReason }: Answer) {
  return {
    response: text,
    input_tokens: usage?.inputTokens,
    output_tokens: usage?.outputTokens,
    finish_reason: finishReason,
  };
}

function decodeAnswer({ response, input_tokens, output_tokens, finish_reason }: CacheEntry): Answer {
  const isCounted = input_tokens !== undefined && output_tokens !== undefined;
  const usage = isCounted ? { inputTokens: input_tokens, outputTokens: output_tokens } : undefined;
  return { text: response, usage, finishReason: finish_reason };
}

/** Writes entries; the folder may be deleted by hand at any time, and is made when it is missing. */
function createEntryWriter(folder: string): (key: string, entry: object) => void {
  let sharing: Sharing | undefined;

  function prepare(): Sharing {
    ensureCache(folder);
    makeCacheFolder(folder);
    const found = sharingOf(folder);
    makeSharedFolder(cacheTemporaryFolder(folder), found);
    return found;
  }

  function writeTemporary(path: string, text: string): void {
    sharing ??= prepare();
    try {
      writeSharedFile(path, text, sharing);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      sharing = prepare();
      writeSharedFile(path, text, sharing);
    }
  }

  // Atomic but not flushed: an entry can be paid for again, and a flush costs more than writing it.
  return (key, entry) => {
    const path = join(folder, `${key}.json`);
    const temporary = join(cacheTemporaryFolder(folder), `${randomBytes(8).toString('hex')}.tmp`);
    try {
      writeTemporary(temporary, JSON.stringify(entry));
      renameSync(temporary, path);
    } catch (error) {
      removeQuietly(temporary);
      if (error instanceof LoomError) throw error;
      throw new LoomError('state', `can't write the cache entry ${path}: ${describeDiskError(error)}.`, {
        code: 'cache_write_failed',
        facts: { path },
        hint: 'Free the disk, or set cache to false.',
        cause: error,
      });
    }
  };
}

/**
 * Sees to it that a chosen cache can be used: it is made and marked. LoomError `state` where it is somebody else's
 * folder, can't be made, or is another user's and not shared.
 */
export function ensureCacheFolder(base: string, folder = base): void {
  for (const path of [base, folder, cacheTemporaryFolder(folder)]) checkSharing(path, base);
  ensureCache(base);
}

/** What a run needs before anything is sent: a home, and where one was chosen the cache. LoomError `state` as above. */
export function ensurePlaces(home: LoomHome, useCache: boolean): void {
  ensureHome(home);
  if (useCache && home.chosenBase !== undefined) ensureCacheFolder(home.chosenBase, home.chosenCache);
}
