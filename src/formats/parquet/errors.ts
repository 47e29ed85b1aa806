/** Errors about Parquet files that cannot be read. */
import { LoomError } from '../../core/errors.ts';

export function brokenError(path: string, reason: string, cause?: unknown): LoomError {
  return new LoomError('input', `${path}: this Parquet file can't be read: ${reason}.`, {
    hint: 'Write it again, or convert it to JSONL.',
    cause,
  });
}

/** What a parser throws at a file that is broken, or has what it does not know, as an error for people. */
export async function explainFailure<Result>(
  path: string,
  act: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof LoomError) throw error;
    const { message } = error as Error;
    // The parser's own words are about the file; the engine's are about the parser.
    const known = message.startsWith('parquet ') ? message.slice('parquet '.length) : 'it is damaged';
    throw brokenError(path, known, error);
  }
}
