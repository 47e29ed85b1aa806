/** How an input is told that is not the one whose rows were sent. */
import type { ErrorFacts } from '../../core/error-facts.ts';
import { LoomError } from '../../core/errors.ts';
import { withoutStop } from '../../core/words.ts';
import { delimiterOf } from '../../formats/csv/cells.ts';
import { errorCode, hashFile } from '../../storage/files.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { usualDelimiter } from '../dataset/layout.ts';

export interface ChangeWords {
  readonly since: ErrorFacts['input_changed']['since'];
  readonly sent: 'sent' | 'asked';
  readonly hint: string;
}

export function inputChanged(path: string, { since, hint }: ChangeWords, how: string): LoomError {
  const when = since === 'submission' ? 'it was submitted' : 'this run began';
  return new LoomError('input', `the input ${path} has changed since ${when}: ${how}.`, {
    code: 'input_changed',
    facts: { path, since, isReadable: true, delimiter: undefined },
    hint,
  });
}

/**
 * What is wrong with an input that can't be read any more as it was when it was submitted: that it was saved in another
 * way since, as a spreadsheet does it. Any other error stays what it is, and so does that of a file that is the same.
 */
export async function explainUnreadable(
  error: unknown,
  dataset: Dataset,
  sha256: string | undefined,
): Promise<unknown> {
  if (!(error instanceof LoomError) || error.kind !== 'input' || error.code === 'input_changed') return error;
  if (errorCode(error.cause) !== undefined || sha256 === undefined) return error;
  const { path } = dataset;
  const now = await hashFile(path).catch(() => undefined);
  if (now === undefined || now === sha256) return error;
  const [delimiter, other] = (await findOtherDelimiter(dataset)) ?? [];
  const how = delimiter
    ? `${other} stands between its cells now, and it was ${delimiter}`
    : withoutStop(error.message.replace(`${path}: `, ''));
  const first = delimiter ? `Save it with ${delimiter} between its cells, or put` : 'Put';
  return new LoomError('input', `the input ${path} has changed since it was submitted: ${how}.`, {
    code: 'input_changed',
    facts: { path, since: 'submission', isReadable: false, delimiter },
    hint: `${first} the submitted file back, and fetch again; the answers are kept.`,
    cause: error,
  });
}

/** What stood between the cells of a table, and what does so now, in words; undefined where it is the same. */
async function findOtherDelimiter({
  path,
  format,
  layout,
}: Dataset): Promise<readonly [string, string] | undefined> {
  if (format.fileType !== 'csv') return undefined;
  const { findLayout } = await import('../../formats/find-layout.ts');
  const now = await findLayout(path, format, {}).catch(() => undefined);
  const before = layout?.delimiter ?? usualDelimiter;
  if (!now?.delimiter || now.delimiter === before) return undefined;
  return [delimiterOf(before).name, delimiterOf(now.delimiter).name];
}
