/** What faults may say, as plain data: one table, of which their types are made too. */
import { frameNames } from './http/frames.ts';
import { isObject, type OperationKind, operationKinds } from './http/http.ts';
import { type VendorName, vendorNames } from './vendors.ts';

type Check<Value> = (value: unknown) => value is Value;

function check<Value>(isOne: (value: unknown) => boolean): Check<Value> {
  return (value): value is Value => isOne(value);
}

const isSpan = check<number>(Number.isFinite);
const isCount = check<number>((value) => isSpan(value) && value >= 0);
const isRate = check<number>((value) => isSpan(value) && value > 0);
const isShare = check<number>((value) => isCount(value) && value <= 1);
const isText = check<string>((value) => typeof value === 'string');
const isFlag = check<boolean>((value) => typeof value === 'boolean');

function isOneOf<Word extends string>(...words: readonly Word[]): Check<Word> {
  return check((value) => (words as readonly unknown[]).includes(value));
}

/** Which calls a rule is for; what is left out fits all. */
const choiceFields = {
  provider: isOneOf<VendorName>(...vendorNames),
  operation: isOneOf<OperationKind>(...operationKinds),
  /** Only once a call of this kind has come. */
  after: isOneOf<OperationKind>(...operationKinds),
  /** Of the calls that fit; for a live call it hangs on its body alone, so that the same call has the same fate. */
  share: isShare,
  /** Live calls: only the first time that this very body comes. */
  once: isFlag,
  /** So many fitting calls go well first. */
  skip: isCount,
  /** After so many faults the rule is spent. */
  times: isCount,
  /** So long after the first call that fits the rule is spent. */
  forMs: isCount,
};

/** Fields that an effect which has them can't be without. */
const neededFields = ['ms', 'status', 'perSecond', 'as', 'at'] as const;

const effectFields = {
  /** The answer comes later. */
  delay: { ms: isCount },
  /** An error in the vendor's own form, with the headers that a vendor may or may not send. */
  status: {
    status: isCount,
    message: isText,
    code: isText,
    retryAfter: isCount,
    retryAfterMs: isCount,
    /** What the call asks for is done all the same, as when a gateway answers for a server that went on. */
    afterWork: isFlag,
  },
  /** 429 past so many calls per second and key. Google has no header: its wait is in the body (RetryInfo). */
  rateLimit: { perSecond: isRate, header: isOneOf('retry-after', 'retry-after-ms', 'none') },
  /** A page of HTML, as proxies send. */
  html: { status: isCount, afterWork: isFlag },
  /** HTTP 200 with nothing in it, after the work. */
  empty: {},
  /** HTTP 200 with the vendor's error object as the body, as OpenRouter does. */
  bodyError: { status: isCount },
  /** The answer, in another frame than it should have. */
  frame: { as: isOneOf(...frameNames) },
  /** HTTP 200 whose JSON ends too early, though the connection is sound. */
  garble: {},
  /** The connection goes: before anything was done, after the work but before the answer, or in the answer. */
  cut: { at: isOneOf('request', 'reply', 'body'), afterBytes: isCount },
  /** The answer begins and then nothing more comes. */
  stall: { afterBytes: isCount },
};

/** What becomes of a batch, decided when it is created and kept with it. */
const batchFields = {
  provider: isOneOf<VendorName>(...vendorNames),
  skip: isCount,
  times: isCount,
  /** `failed` at Anthropic, which knows no such end, is a batch of errored rows. */
  end: isOneOf('completed', 'failed', 'expired', 'cancelled'),
  /** The vendor's words for a failed batch. */
  code: isText,
  message: isText,
  /** Of the rows, how many are done when it expires or is cancelled; half of them unless said. */
  doneShare: isShare,
  /** Of the done rows, how many failed at the vendor, and with what status (500). */
  failedShare: isShare,
  failedStatus: isCount,
  failedCode: isText,
  failedMessage: isText,
  /** After its creation the batch is not found for so long. */
  hiddenMs: isCount,
  /** Words that nobody has seen before, in place of those for a running and for an ended batch. */
  runningWord: isText,
  endedWord: isText,
  /** The result files: rows that are left out, come twice, or belong to nobody; blank lines between them. */
  missingShare: isShare,
  duplicateShare: isShare,
  unknownRows: isCount,
  blankLines: isFlag,
  /** Rows in whose place stands the result of a row of nobody, or a line of a page of HTML. */
  foreignShare: isShare,
  pageShare: isShare,
  /** Only the rows that failed have a result; at OpenAI there is no file of answers. */
  onlyErrors: isFlag,
  /** So long after the end of the batch nothing of this is wrong with its results any more. */
  wholeAfterMs: isCount,
  /** Anthropic: the results are gone, and the batch says since when. */
  archived: isFlag,
  /** OpenAI: "" in place of null for an error file that is not there. */
  blankFileIds: isFlag,
};

/** How a vendor tells the time. */
const clockFields = {
  /** So much later than it is; earlier with a minus. */
  aheadMs: isSpan,
  /** false: no answer has a `Date`. */
  dateHeader: isFlag,
};

type Checked<Field> = Field extends Check<infer Value> ? Value : never;
type Needed = (typeof neededFields)[number];
type Possible<Fields> = { readonly [Name in Exclude<keyof Fields, Needed>]?: Checked<Fields[Name]> };
type Effects = typeof effectFields;

export type CallEffect = {
  [Kind in keyof Effects]: { readonly do: Kind } & Possible<Effects[Kind]> & {
      readonly [Name in keyof Effects[Kind] & Needed]: Checked<Effects[Kind][Name]>;
    };
}[keyof Effects];
export type CallFault = Possible<typeof choiceFields> & CallEffect;
export type BatchFault = Possible<typeof batchFields>;
export type VendorClock = Possible<typeof clockFields>;

export interface Faults {
  readonly calls?: readonly CallFault[];
  readonly batches?: readonly BatchFault[];
  /** Requests in all batches that have not ended; a batch beyond that is refused in the vendor's own way. */
  readonly queue?: { readonly [Name in VendorName]?: number };
  readonly clocks?: { readonly [Name in VendorName]?: VendorClock };
}

/** Reads faults that came as data; throws an Error that names the field which is not right. */
export function readFaults(value: unknown): Faults {
  if (!isObject(value)) throw new Error('Faults are an object with `calls`, `batches`, `queue` or `clocks`.');
  const ofEachVendor = (check: Check<unknown>) =>
    Object.fromEntries(vendorNames.map((name) => [name, check]));
  checkFields('faults', value, {
    calls: Array.isArray,
    batches: Array.isArray,
    queue: isObject,
    clocks: isObject,
  });
  const { calls = [], batches = [], queue = {}, clocks = {} } = value as Record<keyof Faults, unknown[]>;
  for (const [index, fault] of calls.entries()) checkCallFault(`calls[${index}]`, fault);
  for (const [index, fault] of batches.entries()) checkFields(`batches[${index}]`, fault, batchFields);
  checkFields('queue', queue, ofEachVendor(isCount));
  checkFields('clocks', clocks, ofEachVendor(isObject));
  for (const [name, clock] of Object.entries(clocks)) checkFields(`clocks.${name}`, clock, clockFields);
  return value as Faults;
}

function checkCallFault(where: string, fault: unknown): void {
  const effect = isObject(fault) ? effectFields[fault.do as keyof Effects] : undefined;
  if (effect === undefined) throw new Error(`${where}.do is one of ${Object.keys(effectFields).join(', ')}.`);
  checkFields(where, fault, { ...choiceFields, do: isText, ...effect });
  const missing = neededFields.find((field) => field in effect && !(field in (fault as object)));
  if (missing !== undefined) throw new Error(`${where}.${missing} is missing.`);
}

function checkFields(where: string, value: unknown, fields: Readonly<Record<string, Check<unknown>>>): void {
  if (!isObject(value)) throw new Error(`${where} is not an object.`);
  for (const [field, content] of Object.entries(value)) {
    const check = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (check === undefined)
      throw new Error(`${where}.${field} is not known; there is ${Object.keys(fields).join(', ')}.`);
    if (!check(content)) throw new Error(`${where}.${field} can't be ${JSON.stringify(content)}.`);
  }
}
