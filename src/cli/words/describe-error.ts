/** Errors in words. */
import { describeTold, LoomError } from '../../core/errors.ts';
import { wordsOf } from './error-words.ts';

/** What happened, then what to do. An error that nobody foresaw says that it is one. */
export function describeError(error: unknown): string {
  if (error instanceof LoomError) {
    return describeTold(wordsOf(error));
  }
  const message = messageOf(error);
  if (isPartGone(error))
    return `${message}: this program was updated or removed while it ran. Run the same command again.`;
  return `${message} (not foreseen by loom: set LOOM_DEBUG=1 to see where, and report it)`;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Behind its first line stands which file of the program asked for which other.
  return isPartGone(error) ? (message.split('\n')[0] as string) : message;
}

/** Of what is loaded when it is first needed, which may be hours after the start. */
function isPartGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
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
    const message = oneLine(messageOf(error));
    return { kind: 'unforeseen', code: null, message, hint: null };
  }
  const { message, hint } = wordsOf(error);
  return { kind: error.kind, code: error.code ?? null, message: oneLine(message), hint: hint ?? null };
}
