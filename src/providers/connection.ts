/** How a provider is reached, and what is told of each request. */

import type { GivenHeaders } from '../core/request/headers.ts';

/** How to reach a provider. */
export interface Connection {
  /** Sent to this provider only; never logged, never part of an error message. Undefined: no key is sent. */
  readonly apiKey: string | undefined;
  /** Whether it is one that a person had kept, which a refusal of it tells. */
  readonly isKeyKept?: boolean | undefined;
  /**
   * Sent with each request to the provider's address, before what loom says by itself; their values are told no more than
   * the key is.
   */
  readonly headers?: GivenHeaders | undefined;
  /** Whose batches are asked for, where a key does not say it. */
  readonly account?: string | undefined;
  /** Where the API is, in the form the vendor's own SDK takes; undefined: the vendor's own address. */
  readonly baseUrl?: string | undefined;
  /**
   * About batches: how long to wait for an answer to begin, and for its next byte, in milliseconds; and for the whole of
   * an answer that is no download.
   */
  readonly timeoutMs: number;
  /**
   * Live: how long a call may take in all, in milliseconds; nothing else limits it. Default: `timeoutMs`. A call that
   * runs into it is an error `timeout` about its row.
   */
  readonly callTimeoutMs?: number | undefined;
  /** Where proxies and the like are named: the variables of the caller's process, or what stands in their place. */
  readonly environment: NodeJS.ProcessEnv;
  /** Told when an answer bears the mark of a sandbox. */
  readonly onSandbox?: (() => void) | undefined;
  /** Takes each request in place of the provider: nothing is sent then, and every call fails. */
  readonly preview?: ((request: WireRequest) => void) | undefined;
  /** Told of each HTTP request, also of those that an SDK makes by itself. */
  readonly onRequest?: ((notice: RequestNotice) => void) | undefined;
}

/** A request as it would go to the provider. */
export interface WireRequest {
  readonly method: string;
  readonly url: string;
  /** The key among them, where there is one. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What an adapter is given: with an address in any case, without the slash at its end. */
export interface VendorConnection extends Connection {
  readonly baseUrl: string;
}

export interface RequestNotice {
  readonly method: string;
  /** Host and path, without query and user info. */
  readonly address: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  /** Why no answer came. */
  readonly failure: string | undefined;
  /** From the first byte sent to the head of the answer, in milliseconds. */
  readonly durationMs: number;
  /** Which try of its call this is, from 1. */
  readonly attempt: number;
  /** The provider's name for the request, which its support asks for. */
  readonly requestId: string | undefined;
}
