/** One signal stops hundreds of calls. */

const watchers = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when a signal is aborted, until the watch is ended by what this returns. All watches share one listener:
 * each `addEventListener` looks at all that are there.
 */
export function watchAbort(signal: AbortSignal, onAbort: () => void): () => void {
  const watching = watchers.get(signal) ?? openWatch(signal);
  watching.add(onAbort);
  return () => void watching.delete(onAbort);
}

function openWatch(signal: AbortSignal): Set<() => void> {
  const watching = new Set<() => void>();
  watchers.set(signal, watching);
  signal.addEventListener(
    'abort',
    () => {
      for (const stop of [...watching]) stop();
    },
    { once: true },
  );
  return watching;
}
