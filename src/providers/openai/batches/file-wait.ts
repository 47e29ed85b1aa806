/** Servers that look an upload through before a batch can be made of it: nothing is asked of it before it is ready. */
import { setTimeout as pause } from 'node:timers/promises';
import { isRefusedKey, ProviderError } from '../../../core/errors.ts';
import { asText, type WireObject } from '../../network/wire.ts';
import { findHeld } from '../../protocol/wrappings.ts';

const firstPauseMs = 250;
const longestPauseMs = 5_000;

/** Words for an upload of which a batch can be made, or nothing is known that speaks against it. */
const readyWords = /^(?:|processed|ready|success|succeeded|completed|available|active)$/i;
const brokenWords = /^(?:error|failed)$/i;

/**
 * Waits until an upload is ready, for as long as `patienceMs`. ProviderError `file_not_ready` where it is not then, and
 * where it never will be: as clear a refusal as any, as nothing was created. Where a server tells nothing of its uploads,
 * there is nothing to wait for.
 */
export function openFileWait(
  look: (fileId: string, signal: AbortSignal) => Promise<unknown>,
  patienceMs: number,
) {
  return async (fileId: string, signal: AbortSignal): Promise<void> => {
    const end = performance.now() + patienceMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const status = await askStatus(look, fileId, signal);
      if (readyWords.test(status)) return;
      if (brokenWords.test(status)) throw notReady('run', status);
      if (performance.now() + pauseMs > end) throw notReady('retry', status);
      // A signal's own reason is thrown.
      await pause(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  };
}

async function askStatus(
  look: (fileId: string, signal: AbortSignal) => Promise<unknown>,
  fileId: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    return asText(findHeld(await look(fileId, signal), hasStatus)?.status);
  } catch (error) {
    // The creation itself says what is wrong.
    if (error instanceof ProviderError && error.code !== 'invalid_id' && !isRefusedKey(error)) return '';
    throw error;
  }
}

function hasStatus({ id, status }: WireObject): boolean {
  return asText(id) !== '' && asText(status) !== '';
}

function notReady(scope: 'run' | 'retry', status: string): ProviderError {
  const message = `The upload is not ready: its status is ${status}.`;
  return new ProviderError(scope, 'file_not_ready', message, { status: 400 });
}

/** Whether a creation was refused, and so was none, because its file is not looked through yet. */
export function isFileNotReady(error: unknown): boolean {
  return (
    error instanceof ProviderError &&
    error.code === 'file_not_ready' &&
    [400, 422].includes(error.status ?? 0)
  );
}

/** Whether a creation was refused, and so was none, for the metadata that it has. */
export function refusesMetadata(error: unknown): boolean {
  return (
    error instanceof ProviderError &&
    [400, 422].includes(error.status ?? 0) &&
    /\bmetadata\b/i.test(`${error.code} ${error.message}`)
  );
}
