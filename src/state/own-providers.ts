/** The file `providers.json` of a home, in which a person describes providers of their own. */
import { join } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { findFault, readJson } from '../core/nesting.ts';
import { diskFailure, isGone } from '../storage/files.ts';
import type { LoomHome } from '../storage/home.ts';
import { readPlainText } from '../storage/plain-file.ts';

export function ownProvidersPath({ base }: Pick<LoomHome, 'base'>): string {
  return join(base, 'providers.json');
}

/** Its JSON; an empty object where there is no file. LoomError `state` for one that can't be read, or is none. */
export function readOwnProvidersFile(path: string): unknown {
  const text = readIfThere(path)?.replace(/^\ufeff/, '');
  if (text === undefined) return {};
  const content = readJson(text);
  if (content !== undefined) return content;
  throw new LoomError('state', `${path}: it is not JSON: something is wrong ${findFault(text)}.`, {
    hint: 'Mend or delete it.',
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readPlainText(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw diskFailure('state', `read ${path}`, error, { hint: 'Make it readable, or delete it.' });
  }
}
