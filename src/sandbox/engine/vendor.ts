/** What the server asks of each vendor's part of the sandbox, and what it lends to them. */
import type { FaultScript } from '../faults.ts';
import type { Answer, Call, Refused, Route } from '../http/http.ts';
import type { VendorName } from '../vendors.ts';
import type { Statistics } from './statistics.ts';
import type { Store } from './store.ts';

export interface Vendor {
  readonly name: VendorName;
  readonly routes: readonly Route[];
  /** The key that came with the call; empty when there was none. */
  keyOf(call: Call): string;
  /** Why the call may not pass, when its headers are not in order. */
  refuse(key: string, call: Call): Refused | undefined;
  /** A refusal in the vendor's form. */
  error(refusal: Refused): Answer;
}

/** What a vendor takes at most. */
export interface Limits {
  /** In one batch. */
  readonly requests: number;
  readonly batchBytes: number;
  readonly fileBytes: number;
  readonly lineBytes: number;
  /** Of a call that carries the requests of a batch. */
  readonly inlineBytes: number;
}

/** What the vendors' parts share. */
export interface SandboxContext {
  readonly store: Store;
  /** Limits that are not those of the vendor. */
  readonly limits: { readonly [Name in VendorName]?: Partial<Limits> };
  readonly turnaroundMs: number;
  readonly faults: FaultScript;
  readonly statistics: Statistics;
  /** Waits, for as long as the server is open. */
  wait(milliseconds: number): Promise<void>;
}

/** True for a key that is refused, as one with a typing error would be. */
export function isRefusedKey(key: string): boolean {
  return key.startsWith('bad-');
}

/** The times in the vendors' forms. */
export function unixSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
