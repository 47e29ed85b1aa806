/** What the server asks of each vendor's part of the sandbox, and what it lends to them. */
import type { FaultScript } from './faults.ts';
import type { Answer, Call, Operation } from './http.ts';
import type { Limits } from './limits.ts';
import type { Statistics } from './statistics.ts';
import type { Store } from './store.ts';
import type { VendorName } from './vendors.ts';

/** What a vendor refuses a call or a row with, before it is put in the vendor's form. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** The vendor's own word for it, where it has one. */
  readonly code?: string | undefined;
  /** The field that is wrong, where the vendor says so. */
  readonly field?: string | undefined;
  /** How long to wait, for the vendor that says so in the body. */
  readonly retryAfterMs?: number | undefined;
}

/** True for a refusal, among the values that a check gives. */
export function isRefusal(value: object): value is Refusal {
  return 'status' in value && 'message' in value;
}

export interface Vendor {
  readonly name: VendorName;
  /** What the call asks for; undefined when there is no such address. */
  operation(call: Call): Operation | undefined;
  /** The key that came with the call; empty when there was none. */
  keyOf(call: Call): string;
  /** Why the call may not pass, when its headers are not in order. */
  refuse(key: string, call: Call): Refusal | undefined;
  /** A refusal in the vendor's form. */
  error(refusal: Refusal): Answer;
}

/** What the vendors' parts share. */
export interface Workshop {
  readonly store: Store;
  readonly limits: Limits;
  readonly turnaroundMs: number;
  readonly faults: FaultScript;
  readonly statistics: Statistics;
  /** Waits, for as long as the server is open. */
  wait(milliseconds: number): Promise<void>;
}

/** Keys that begin so are refused, as one with a typing error would be. */
export const refusedKeyPrefix = 'bad-';

/** The key in `Authorization: Bearer …`; empty when there is none. */
export function bearerKey(call: Call): string {
  const header = call.request.headers.authorization ?? '';
  return header.startsWith('Bearer ') ? header.slice('Bearer '.length).trim() : '';
}

/** A header, or undefined. */
export function headerOf(call: Call, name: string): string | undefined {
  const value = call.request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The times in the vendors' forms. */
export function unixSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
