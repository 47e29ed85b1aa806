/** Every error a person can meet, and the one place that turns errors into exit codes. */
import { constants } from 'node:os';
import type { CodeWithFacts, ErrorCode, ErrorFacts } from './error-facts.ts';

export type ErrorKind =
  /** An option: its name, or a value out of range. */
  | 'usage'
  /** The input file or its content. */
  | 'input'
  /** The output file or its folder. */
  | 'output'
  /** A missing or refused API key. */
  | 'key'
  /** The provider refused or was out of reach. */
  | 'provider'
  /** Files under the loom home. */
  | 'state'
  /** The limit of what a run may cost. */
  | 'cost'
  /** A rate limit of the provider that lasts longer than a run waits. */
  | 'limit'
  /** The provider has no such capability (token counting). */
  | 'unavailable'
  /** The time that a wait may take. */
  | 'timeout'
  | 'interrupted';

/** What is told to people, in words that know the library's options and no program's flags. */
export interface Told {
  readonly message: string;
  /** What to do next. */
  readonly hint?: string | undefined;
  /** Of what a program may want to word itself, or to act on. */
  readonly code?: ErrorCode | undefined;
  readonly facts?: ErrorFacts[ErrorCode] | undefined;
}

/** What happened, then what to do. */
export function describeTold({ message, hint }: Told): string {
  return hint ? `${message} ${hint}` : message;
}

/** What an error tells beside its message. */
export type ErrorDetails = { readonly hint?: string; readonly cause?: unknown } & (
  | CodeWithFacts
  | { readonly code?: undefined; readonly facts?: undefined }
);

/**
 * An error for people: `message` says what happened with the value in question, `hint` what to do next.
 */
export class LoomError extends Error implements Told {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly code: ErrorCode | undefined;
  readonly facts: ErrorFacts[ErrorCode] | undefined;

  constructor(kind: ErrorKind, message: string, options: ErrorDetails = {}) {
    super(message, { cause: options.cause });
    this.name = 'LoomError';
    this.kind = kind;
    this.hint = options.hint;
    this.code = options.code;
    this.facts = options.facts;
  }
}

/** What asks a program to end and lets it do so in order; not what a fault of the program itself raises. */
export const endingSignals = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGBREAK',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGXCPU',
  'SIGPWR',
] as const;

export type EndingSignal = (typeof endingSignals)[number];

/** The person, or the system, asked the program to stop. */
export class InterruptedError extends LoomError {
  readonly signal: EndingSignal;

  constructor(signal: EndingSignal) {
    super('interrupted', `interrupted by ${signal}.`);
    this.name = 'InterruptedError';
    this.signal = signal;
  }
}

/**
 * How far a provider's refusal reaches: `run` stops everything at once, `row` fails that row only, `retry` is
 * worth another try.
 */
export type ErrorScope = 'run' | 'row' | 'retry';

/** What a provider says of the rate limit that a call ran into. */
export interface RateLimit {
  /** From the moment of the refusal, in milliseconds; undefined: it does not say. */
  readonly endsInMs: number | undefined;
  /** Of a day or longer, by its own words: waiting for minutes is of no use. */
  readonly isOfDay: boolean;
}

/** A provider's refusal or a failed call, classed by its adapter. Never holds a key. */
export class ProviderError extends Error {
  readonly scope: ErrorScope;
  /** The provider's own word for it (`insufficient_quota`), else `http_<status>` or `connection`. */
  readonly code: string;
  /** HTTP status; undefined when no answer arrived whole, so that the call may have taken effect. */
  readonly status: number | undefined;
  /** How long the provider asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Of a call that was refused because there were too many. */
  readonly limit: RateLimit | undefined;
  /** Said in the form that the provider's own errors have, as opposed to a page of a gateway on the way. */
  readonly inOwnForm: boolean;
  /** The connection broke once the call was on its way: the provider may bill it all the same. */
  readonly brokeOff: boolean;
  /** The key that was refused is one that a person had kept. */
  readonly isOfKeptKey: boolean;

  constructor(
    scope: ErrorScope,
    code: string,
    message: string,
    options: {
      status?: number | undefined;
      retryAfterMs?: number | undefined;
      limit?: RateLimit | undefined;
      inOwnForm?: boolean;
      brokeOff?: boolean;
      isOfKeptKey?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ProviderError';
    this.scope = scope;
    this.code = code;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.limit = options.limit;
    this.inOwnForm = options.inOwnForm ?? false;
    this.brokeOff = options.brokeOff ?? false;
    this.isOfKeptKey = options.isOfKeptKey ?? false;
  }
}

/** A wait for a provider that is too long. `retryAfterMs` is how long, where that is known. */
export class LongWaitError extends ProviderError {}

/** Whether the provider does not know the key. */
export function isRefusedKey({ status, code }: ProviderError): boolean {
  return status === 401 || code === 'invalid_api_key';
}

/** What a shell adds to the number of the signal that ended a program: 130 is SIGINT. */
const signalBase = 128;

/** The exit code of a run that ended with this error. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof InterruptedError) return signalBase + (constants.signals[error.signal] ?? 0);
  if (error instanceof LoomError && (error.kind === 'usage' || error.kind === 'unavailable')) return 2;
  return 1;
}
