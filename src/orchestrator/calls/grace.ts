/** What happens to calls that are under way when the program is asked to stop. */

/** How long calls under way may still finish, in milliseconds: most of them are paid for already. */
const graceMs = 5_000;

/** One for each signal: a wait asks for it at each of its looks, and a signal may outlive many runs. */
const graces = new WeakMap<AbortSignal, AbortSignal>();

/** A signal that is aborted a few seconds after the given one, with the same reason. */
export function abortAfterGrace(signal: AbortSignal): AbortSignal {
  const grace = graces.get(signal) ?? startGrace(signal);
  graces.set(signal, grace);
  return grace;
}

function startGrace(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abortLater = () => {
    setTimeout(() => controller.abort(signal.reason), graceMs).unref();
  };
  if (signal.aborted) abortLater();
  else signal.addEventListener('abort', abortLater, { once: true });
  return controller.signal;
}
