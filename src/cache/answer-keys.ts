/** Under what an answer is filed: what was asked, of whom and how, as a sha256; and whether an answer is of that source. */

import type { CacheEntry, GenerationSettings } from '../core/models.ts';
import { digestText } from '../core/request/digest.ts';
import { pythonSettingsText, settingsText } from '../core/request/settings-text.ts';

/** What an answer was asked with, beside the prompt. */
export interface Source {
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

/** 32 bytes, for what was asked, as `contentText` has it. */
export type KeyOf = (asked: string) => Buffer;

/**
 * Keys of entries: sha256 of `<provider>|<model>|<prompt>|<settings>|@<server>`; without settings, and for a server with
 * plain names, their `|` is absent too.
 */
export function createKeys({ provider, model, settings }: Source, server?: AnswerServer): KeyOf {
  const text = settingsText(settings);
  const place = server && !server.isPlain ? `|@${server.name}` : '';
  const end = `${text === undefined ? '' : `|${text}`}${place}`;
  return (asked) => digestText(`${provider}|${model}|${asked}${end}`);
}

/** The keys under which the Python tool files the same entries: it joins with NUL bytes. */
export function createPythonKeys({ provider, model, settings }: Source): KeyOf {
  const text = pythonSettingsText(settings);
  const end = text === undefined ? '' : `\0${text}`;
  return (asked) => digestText(`${provider}\0${model}\0${asked}${end}`);
}

/** Whether an entry is an answer of this source; one that names no server, of an older build, is any server's. */
export function createSourceCheck(
  { provider, model, settings }: Source,
  server: AnswerServer | undefined,
): (entry: Pick<CacheEntry, 'provider' | 'model' | 'address' | 'params'>) => boolean {
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
