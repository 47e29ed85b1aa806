/** What the vendors that speak OpenAI's protocol do each in their own way. */
import type { Draft } from './answers.ts';
import type { ChatFields } from './chat-fields.ts';
import type { FileLimits } from './limits.ts';
import type { Shelf } from './store.ts';
import type { Refusal, Workshop } from './vendor.ts';
import type { CompatibleName } from './vendors.ts';

/** Of live calls. */
export interface ChatDialect {
  readonly vendor: CompatibleName;
  /** What the body of a request may hold. */
  readonly fields: ChatFields;
  /** Where a message shows what the model thought. */
  readonly thoughtsField: string | undefined;
  /** The error that a prompt asked for. */
  refusalIn(draft: Draft): Refusal | undefined;
}

/** Of live calls, files and batches. */
export interface OpenaiDialect extends ChatDialect {
  readonly limits: FileLimits;
  /** What an uploaded file may be for. */
  readonly purposes: readonly string[];
  /** How file ids begin: of uploads, of answers, of errors. */
  readonly fileIds: { readonly input: string; readonly output: string; readonly errors: string };
  /** An uploaded file can be downloaded again. */
  readonly returnsUploads: boolean;
  readonly longestWindowHours: number;
  /** Most characters of a value of the metadata, where it is not 512. */
  readonly longestMetadata: Readonly<Record<string, number>>;
  /** The metadata that name a batch, and the field of the query by which a list shows those with such a name. */
  readonly nameField: string | undefined;
  /** `response.body` and `error` of a failed row. */
  failedRow(refusal: Refusal): { readonly body: object | null; readonly error: object | null };
}

export interface OpenaiWorkshop extends Workshop {
  readonly dialect: OpenaiDialect;
  readonly files: Shelf;
  readonly batches: Shelf;
  /** What this vendor takes. */
  readonly taken: FileLimits;
}

export function withDialect(workshop: Workshop, dialect: OpenaiDialect): OpenaiWorkshop {
  const { vendor, limits } = dialect;
  const taken = { ...limits, ...workshop.limits.changes[vendor] };
  return { ...workshop, dialect, files: `${vendor}/files`, batches: `${vendor}/batches`, taken };
}

/** The hours of a completion window such as `24h` or `2d`. */
export function hoursOf(window: string): number | undefined {
  const [, count, unit] = /^(\d+)([hd])$/.exec(window) ?? [];
  return count === undefined ? undefined : Number(count) * (unit === 'd' ? 24 : 1);
}
