/** Waits of any length that a signal ends. */

/** The longest time that a timer takes, in milliseconds; a longer one would be over at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Resolves after the time, however long, or rejects with the signal's reason as soon as it is aborted. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  for (let left = milliseconds; left > longestTimerMs; left -= longestTimerMs)
    await startTimer(longestTimerMs, signal);
  await startTimer(milliseconds % longestTimerMs, signal);
}

function startTimer(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}
