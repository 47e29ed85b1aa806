/** The vendors that speak OpenAI's protocol, a row each: what they do in their own way. */
import { type Draft, refusalIn } from '../engine/answers.ts';
import type { Limits } from '../engine/vendor.ts';
import { Refused } from '../http/http.ts';
import type { CompatibleName } from '../vendors.ts';
import { openaiErrorBody } from './chat.ts';

/** Of files and batches. */
export interface BatchDialect {
  readonly limits: Pick<Limits, 'requests' | 'batchBytes' | 'fileBytes' | 'lineBytes'>;
  /** How file ids begin: of uploads, of answers, of errors. */
  readonly fileIds: { readonly input: string; readonly output: string; readonly errors: string };
  readonly longestWindowHours: number;
  /** How long an upload is looked through before a batch can be made of it. */
  readonly fileCheckMs: number;
  /** The endpoint may have another word in front of it, and a line of the request file may leave out where it goes. */
  readonly takesAnyForm: boolean;
  /** Most characters of a value of the metadata, where it is not 512. */
  readonly longestMetadata: Readonly<Record<string, number>>;
  /** The metadata that name a batch, and the field of the query by which a list shows those with such a name. */
  readonly nameField: string | undefined;
  /** `response.body` and `error` of a failed row. */
  failedRow(refusal: Refused): { readonly body: object | null; readonly error: object | null };
}

export interface Dialect {
  /** What stands before `/v1` in its addresses. */
  readonly prefix: string;
  readonly needsKey: boolean;
  readonly refusesUnknownFields: boolean;
  /** Whether it has the Responses API beside chat completions. */
  readonly hasResponses: boolean;
  /** Where a message shows what the model thought. */
  readonly thoughtsField: string | undefined;
  /** The refusal that a prompt asked for. */
  refusalIn(draft: Draft): Refused | undefined;
  /** Undefined where there are live calls only. */
  readonly batches: BatchDialect | undefined;
}

const openai = {
  prefix: '',
  needsKey: true,
  refusesUnknownFields: true,
  hasResponses: true,
  thoughtsField: undefined,
  refusalIn,
  batches: {
    limits: {
      requests: 50_000,
      batchBytes: 200_000_000,
      fileBytes: 512_000_000,
      lineBytes: Number.POSITIVE_INFINITY,
    },
    fileIds: { input: 'file-', output: 'file-output', errors: 'file-errors' },
    longestWindowHours: 24,
    fileCheckMs: 0,
    takesAnyForm: false,
    longestMetadata: {},
    nameField: undefined,
    // The refusal is in the body. Status 0 with nothing at all has been seen too.
    failedRow: (refusal) => ({ body: refusal.status === 0 ? {} : openaiErrorBody(refusal), error: null }),
  },
} satisfies Dialect;

export const dialects: Readonly<Record<CompatibleName, Dialect>> = {
  openai,
  /** Alibaba Cloud Model Studio, as its page on batches describes it. */
  alibaba: {
    ...openai,
    prefix: '/compatible-mode',
    refusesUnknownFields: false,
    hasResponses: false,
    thoughtsField: 'reasoning_content',
    // Its filter refuses the call; there is no field for a refusal in an answer.
    refusalIn: (draft) =>
      ['blocked', 'refused'].includes(draft.outcome)
        ? new Refused(400, 'Input data may contain inappropriate content.', {
            code: 'data_inspection_failed',
          })
        : refusalIn(draft),
    batches: {
      limits: { requests: 50_000, batchBytes: 500_000_000, fileBytes: 500_000_000, lineBytes: 6_000_000 },
      fileIds: { input: 'file-batch-', output: 'file-batch_output-', errors: 'file-batch_output-errors-' },
      longestWindowHours: 336,
      fileCheckMs: 0,
      takesAnyForm: false,
      longestMetadata: { ds_name: 100, ds_description: 200 },
      nameField: 'ds_name',
      failedRow({ status, message, details }) {
        const usual = status >= 500 ? 'internal_error' : 'invalid_parameter_error';
        return { body: null, error: { code: details.code ?? usual, message } };
      },
    },
  },
  /** Azure's v1 addresses, which look uploads through first. */
  azure: {
    ...openai,
    prefix: '/openai',
    batches: { ...openai.batches, fileCheckMs: 50 },
  },
  /** Its batches are its own: fireworks/jobs.ts. */
  fireworks: {
    ...openai,
    prefix: '/inference',
    refusesUnknownFields: false,
    thoughtsField: 'reasoning_content',
    batches: undefined,
  },
  /** Its batches are its own: xai/batches.ts. */
  xai: { ...openai, refusesUnknownFields: false, thoughtsField: 'reasoning_content', batches: undefined },
  /** In words of its own, which are in together.ts. */
  together: {
    ...openai,
    refusesUnknownFields: false,
    batches: {
      ...openai.batches,
      limits: { ...openai.batches.limits, batchBytes: 100_000_000, fileBytes: 100_000_000 },
      takesAnyForm: true,
    },
  },
  /** A model server on one's own machine, as Ollama is. */
  local: {
    ...openai,
    needsKey: false,
    refusesUnknownFields: false,
    thoughtsField: 'reasoning',
    batches: undefined,
  },
  /** Vendors that are like OpenAI, and less strict. */
  compatible: {
    ...openai,
    refusesUnknownFields: false,
    thoughtsField: 'reasoning',
    batches: { ...openai.batches, longestWindowHours: 336, takesAnyForm: true },
  },
};
