/** Clients of object stores: optional peers, loaded when an address names their store (docs/decisions/0053-object-store-clients.md). */
import { LoomError } from '../../core/errors.ts';

/** LoomError `usage` says what to install where it is not there; `what` needs it, as the beginning of a sentence. */
export async function loadClient<Client>(packageName: string, what: string): Promise<Client> {
  try {
    return (await import(packageName)) as Client;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (!/MODULE_NOT_FOUND$/.test(code)) throw cause;
    throw new LoomError('usage', `${what} needs ${packageName}, which is not installed.`, {
      hint: `Install it beside loom-batch: npm install ${packageName}`,
      cause,
    });
  }
}
