/** What happens to calls that are under way when the program is asked to stop. */

/** How long calls under way may still finish, in milliseconds: most of them are paid for already. */
const graceMs = 5_000;

/** A signal that is aborted a few seconds after the given one, with the same reason. */
export function abortAfterGrace(signal: AbortSignal, milliseconds = graceMs): AbortSignal {
  const controller = new AbortController();
  const abortLater = () => {
    setTimeout(() => controller.abort(signal.reason), milliseconds).unref();
  };
  if (signal.aborted) abortLater();
  else signal.addEventListener('abort', abortLater, { once: true });
  return controller.signal;
}
