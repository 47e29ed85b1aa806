/** Errors in words. */
import { describeTold, LoomError } from '../../core/errors.ts';
import { wordsOf } from './error-words.ts';

/** What happened, then what to do. An error that nobody foresaw says that it is one. */
export function describeError(error: unknown): string {
  if (error instanceof LoomError) {
    return describeTold(wordsOf(error));
  }
  const message = error instanceof Error ? error.message : String(error);
  return `${message} (not foreseen by loom: set LOOM_DEBUG=1 to see where, and report it)`;
}

/** The stack, and that of each cause. */
export function describeTrace(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${describeTrace(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

/** An error as documents have it. */
export function describeErrorFields(error: unknown) {
  const oneLine = (text: string) => text.replace(/\s*\n\s*/g, ' ');
  if (!(error instanceof LoomError)) {
    const message = oneLine(error instanceof Error ? error.message : String(error));
    return { kind: 'unforeseen', code: null, message, hint: null };
  }
  const { message, hint } = wordsOf(error);
  return { kind: error.kind, code: error.code ?? null, message: oneLine(message), hint: hint ?? null };
}
