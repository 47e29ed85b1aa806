/**
 * Keys that a person had kept, in `keys.json` of the person's own `~/.loom`: never in another home, which may be shared or
 * lie on another machine. As ssh does, it takes no file that others may read. Only who lacks a key reads it.
 */
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import { readJson } from '../../core/nesting.ts';
import { isJsonObject } from '../../core/shapes/json-object.ts';
import { quoteShell } from '../../core/shell.ts';
import { decodeText } from '../../core/utf8.ts';
import { diskFailure, isGone } from '../../storage/files.ts';
import { expandHome } from '../../storage/home.ts';
import { openPlainFile } from '../../storage/plain-file.ts';

/** Keys by the names of their providers, also of such as only a later version knows. */
export type KeptKeys = Map<string, string>;

/** `environment` says where the person's home is; no `.env` does. */
export function keptKeysPath(environment: NodeJS.ProcessEnv): string {
  return resolve(expandHome('~/.loom', environment), 'keys.json');
}

/** None where there is no such file. LoomError `key` for one that can't be read, that others can read, or that is broken. */
export function readKeptKeys(environment: NodeJS.ProcessEnv): KeptKeys {
  const path = keptKeysPath(environment);
  const text = readOwnFile(path);
  if (text === undefined) return new Map();
  const kept = readJson(text);
  const entries = isJsonObject(kept) ? Object.entries(kept) : undefined;
  if (entries?.every(([, key]) => typeof key === 'string' && findKeyFault(key) === undefined))
    return new Map(entries as [string, string][]);
  throw new LoomError('key', `${path} holds something else than a key for each provider.`, {
    code: 'kept_keys_broken',
    facts: { path },
    hint: 'Mend it, or delete it and keep the keys anew.',
  });
}

function readOwnFile(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openPlainFile(path);
    refuseShared(path, fstatSync(file).mode);
    return decodeText(readFileSync(file));
  } catch (error) {
    if (isGone(error)) return undefined;
    if (error instanceof LoomError && error.kind === 'key') throw error;
    throw diskFailure('key', `read ${path}`, error, { hint: 'Make it readable for you, or move it away.' });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const othersMode = 0o077;

/** Windows has no such modes; the file lies in the person's own folder there. */
function refuseShared(path: string, mode: number): void {
  if (platform() === 'win32' || (mode & othersMode) === 0) return;
  throw new LoomError(
    'key',
    `the keys in ${path} are open to other users of this machine (mode ${(mode & 0o777).toString(8).padStart(3, '0')}).`,
    { hint: `Run chmod 600 ${quoteShell(path)}; if others may have read them, replace the keys.` },
  );
}

/** Why a text can't be a key, as the end of a sentence; undefined for one that can. */
export function findKeyFault(key: string): string | undefined {
  if (key === '') return 'it is empty';
  if (/\s/.test(key)) return 'it has a space or a line break in it';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\x00-\x1f\x7f-\x9f]/.test(key)) return 'it has a control character in it';
  return /[^\x21-\x7e]/.test(key) ? 'it has a character in it that no key has' : undefined;
}
