/** Errors in words. */
import { LoomError } from '../../core/errors.ts';

/** What happened, then what to do. An error that nobody foresaw says that it is one. */
export function describeError(error: unknown): string {
  if (error instanceof LoomError) return error.hint ? `${error.message} ${error.hint}` : error.message;
  const message = error instanceof Error ? error.message : String(error);
  return `${message} (not foreseen by loom: set LOOM_DEBUG=1 to see where, and report it)`;
}

/** The stack, and that of each cause. */
export function describeTrace(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${describeTrace(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
