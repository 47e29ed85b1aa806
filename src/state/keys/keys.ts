/**
 * API keys and base URLs: given, else environment, else the `.env` of the current folder; a key also from those that were
 * kept, which are read only then.
 */
import { join } from 'node:path';
import { parse } from 'dotenv';
import { LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { looksSecret } from '../../core/secret-shapes.ts';
import { decodeText } from '../../core/utf8.ts';
import { diskFailure, errorCode } from '../../storage/files.ts';
import { readPlainFile } from '../../storage/plain-file.ts';
import { keptKeysPath, readKeptKeys } from './kept-keys.ts';

/** The environment, with what a `.env` in `folder` adds to it; a set variable is never overridden, an empty one neither. */
export function readVariables(environment: NodeJS.ProcessEnv, folder: string): NodeJS.ProcessEnv {
  return { ...readFolderVariables(folder), ...environment };
}

/** What the `.env` in a folder says; nothing where there is none. LoomError `key` for one that can't be read. */
export function readFolderVariables(folder: string): NodeJS.ProcessEnv {
  const path = folderVariablesPath(folder);
  let text: string;
  try {
    text = decodeText(readPlainFile(path));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    throw diskFailure('key', `read ${path}`, error, { hint: 'Make it readable, or move it away.' });
  }
  return parse(text);
}

/** What is told of a provider's key. */
export interface KeyOwner {
  readonly name: ProviderName;
  readonly title: string;
  readonly keyVariable: string;
  readonly otherKeyVariables?: readonly string[];
}

/** The first of a provider's variables that holds a key. */
export function findKeyVariable(
  { keyVariable, otherKeyVariables = [] }: Pick<KeyOwner, 'keyVariable' | 'otherKeyVariables'>,
  variables: NodeJS.ProcessEnv,
): string | undefined {
  return [keyVariable, ...otherKeyVariables].find((name) => readKey(variables[name]));
}

/** A key as it was pasted: quotes around it are none of its characters. */
export function readKey(text: string | undefined): string | undefined {
  const trimmed = text
    ?.trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .trim();
  return trimmed || undefined;
}

export function folderVariablesPath(folder: string): string {
  return join(folder, '.env');
}

/** Whether a variable has its value from the `.env` of a folder: the environment does not know it. */
export function isFromFolder(name: string, environment: NodeJS.ProcessEnv, folder: string): boolean {
  return environment[name] === undefined && Boolean(readFolderVariables(folder)[name]);
}

/** A key and where it comes from. */
export type FoundKey = { readonly key: string } & (
  | { readonly source: 'environment'; readonly variable: string }
  | { readonly source: 'dotenv'; readonly variable: string; readonly path: string }
  | { readonly source: 'kept'; readonly path: string }
);

/** Where keys are looked for. */
export interface KeyPlaces {
  readonly environment: NodeJS.ProcessEnv;
  /** The folder whose `.env` counts; undefined where none does. */
  readonly folder: string | undefined;
}

/** Every key of a provider, the one that is used first. LoomError `key` as `readKeptKeys` has it. */
export function findKeys(provider: KeyOwner, { environment, folder }: KeyPlaces): FoundKey[] {
  const variables = folder === undefined ? environment : readVariables(environment, folder);
  const found = [provider.keyVariable, ...(provider.otherKeyVariables ?? [])].flatMap(
    (variable): FoundKey[] => {
      const key = readKey(variables[variable]);
      if (!key) return [];
      return folder !== undefined && isFromFolder(variable, environment, folder)
        ? [{ key, source: 'dotenv', variable, path: folderVariablesPath(folder) }]
        : [{ key, source: 'environment', variable }];
    },
  );
  const kept = readKeptKeys(environment).get(provider.name);
  return kept === undefined
    ? found
    : [...found, { key: kept, source: 'kept', path: keptKeysPath(environment) }];
}

/** The key that is given, or that a variable holds; undefined where none is. */
export function findApiKey(
  provider: KeyOwner,
  given: string | undefined,
  variables: NodeJS.ProcessEnv,
): string | undefined {
  return readKey(given ?? variables[findKeyVariable(provider, variables) ?? '']);
}

/**
 * The key to use, undefined where none is there and none needed. LoomError `key` names the variable when it is, and says
 * what is wrong with the kept keys when they are needed; where no key is, such ones count as none.
 */
export function resolveApiKey(
  provider: KeyOwner,
  given: string | undefined,
  variables: NodeJS.ProcessEnv,
  environment: NodeJS.ProcessEnv,
  need: 'required' | 'optional',
): string | undefined {
  const key = findApiKey(provider, given, variables);
  if (key) return key;
  const kept = given === undefined ? findKeptKey(provider, environment, need) : undefined;
  if (kept || need === 'optional') return kept;
  throw new LoomError('key', `no API key for ${provider.title}.`, {
    code: 'key_missing',
    facts: { title: provider.title, variable: provider.keyVariable },
    hint: `Set ${provider.keyVariable}, or give apiKey.`,
  });
}

function findKeptKey(
  { name }: KeyOwner,
  environment: NodeJS.ProcessEnv,
  need: 'required' | 'optional',
): string | undefined {
  try {
    return readKeptKeys(environment).get(name);
  } catch (error) {
    if (need === 'optional') return undefined;
    throw error;
  }
}

/** The provider's address where one is set, in the order given, record, environment; LoomError `usage` if it is no URL. */
export function resolveBaseUrl(
  provider: { readonly baseUrlVariable: string },
  given: string | undefined,
  recorded: string | null | undefined,
  variables: NodeJS.ProcessEnv,
): string | undefined {
  if (given?.trim() === '') {
    throw new LoomError('usage', 'the base URL is empty.', { hint: 'Give an address, or leave it out.' });
  }
  const url = given ?? (recorded?.trim() || variables[provider.baseUrlVariable]);
  if (!url?.trim()) return undefined;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    const address = showAddress(url);
    const variable = given === undefined ? provider.baseUrlVariable : undefined;
    throw new LoomError('usage', `the base URL "${address}" is not a http(s) address.`, {
      code: 'base_url_invalid',
      facts: { address, variable },
      hint: `Give ${variable ?? 'baseUrl'} an address such as https://gateway.example.com/v1.`,
    });
  }
  return url.trim().replace(/\/+$/, '');
}

/** What was given in the place of an address may be a key, or hold a password. */
function showAddress(text: string): string {
  if (looksSecret(text)) return '…';
  // A password may hold slashes, and the scheme may be missing, in what is no address.
  return text.replace(/^([a-z][a-z\d+.-]*:?\/\/)?.*@/is, '$1…@').replace(/([?#]).+/s, '$1…');
}
