/** A call to a provider, as the adapter that makes it sees it. */
import type { WireObject } from './network/wire.ts';

/** A call that is under way. Whatever it asks goes by one of these, which know it. */
export interface Call {
  readonly signal: AbortSignal;
  /** For an SDK that takes a fetch with each request. */
  readonly fetch: typeof globalThis.fetch;
  /** For an SDK that takes options with each request, and hands `fetchOptions` on to its fetch. */
  readonly options: { readonly signal: AbortSignal; readonly fetchOptions: object };
  /** The object that its last success held, as it came; undefined where that was none. An SDK leaves out what it does not know. */
  answer(): WireObject | undefined;
  /** The list that its last success was; undefined where that was none. */
  list(): readonly unknown[] | undefined;
}
