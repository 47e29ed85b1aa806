/** JSON files that a person writes by hand and puts into a home. */
import { LoomError } from '../core/errors.ts';
import { findFault, readJson } from '../core/nesting.ts';
import { diskFailure, isGone } from './files.ts';
import { readPlainText } from './plain-file.ts';

/** What the file holds; undefined where there is none. LoomError `state` for one that can't be read, or is no JSON. */
export function readHandwrittenJson(path: string): unknown {
  const text = readIfThere(path)?.replace(/^\ufeff/, '');
  if (text === undefined) return undefined;
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
