/** What is checked of a request file while a batch is `validating`. */
import { isUnknownModel } from '../engine/answers.ts';
import type { Limits } from '../engine/vendor.ts';
import { isObject, parseJson } from '../http/http.ts';
import { lineBlocks } from '../http/lines.ts';
import { unknownModel } from './chat.ts';

export const usualEndpoint = '/v1/chat/completions';

/** The path of an endpoint below its version, which need not be the first, or there, where any form is taken. */
export function pathOfEndpoint(endpoint: string, takesAnyForm: boolean): string | undefined {
  const [, version, path] = /^(\/v\d+)?(\/.+)$/.exec(endpoint) ?? [];
  return takesAnyForm || version === '/v1' ? path : undefined;
}

/** One entry of a batch's `errors.data`; the line counts from 1 and is null for the file as a whole. */
export interface LineError {
  readonly code: string;
  readonly line: number | null;
  readonly message: string;
  readonly param: string | null;
}

export function problemOf(line: number | null, code: string, message: string, param?: string): LineError {
  return { code, line, message, param: param ?? null };
}

type Problem = readonly [code: string, message: string, param?: string];
const mostErrors = 50;

/** Checks a request file line by line. */
export async function checkRequestFile(
  path: string,
  bytes: number,
  limits: Pick<Limits, 'requests' | 'batchBytes' | 'lineBytes'>,
  form: { readonly endpoint: string; readonly takesAnyForm: boolean },
): Promise<{ requests: number; model: string | undefined; errors: LineError[] }> {
  const customIds = new Set<unknown>();
  const errors: LineError[] = [];
  let model: string | undefined;
  let requests = 0;
  const ofTheFile = (...problem: Problem) => ({ requests, model, errors: [problemOf(null, ...problem)] });
  if (bytes > limits.batchBytes) {
    const message = `The input file is ${bytes} bytes long; a batch takes at most ${limits.batchBytes} bytes.`;
    return ofTheFile('file_too_large', message);
  }
  for await (const block of lineBlocks(path)) {
    for (const { text, number } of block) {
      requests += 1;
      const problem = findProblem(text);
      if (problem !== undefined) errors.push(problemOf(number, ...problem));
    }
    if (requests > limits.requests) {
      const message = `The input file has too many requests; a batch takes at most ${limits.requests}.`;
      return ofTheFile('too_many_tasks', message);
    }
    if (errors.length >= mostErrors) break;
  }
  return requests > 0
    ? { requests, model, errors }
    : ofTheFile('empty_file', 'The input file has no requests.');

  function findProblem(text: string): Problem | undefined {
    if (Buffer.byteLength(text) > limits.lineBytes) {
      const message = `This line is longer than the ${limits.lineBytes} bytes that one request may have.`;
      return ['line_too_large', message];
    }
    const request = parseJson(text);
    if (!isObject(request)) return ['invalid_json_line', 'This line is not parseable as valid JSON.'];
    const needed = form.takesAnyForm ? ['custom_id', 'body'] : ['custom_id', 'method', 'url', 'body'];
    const missing = needed.find((field) => request[field] === undefined);
    if (missing !== undefined) return missingField(missing);
    const { custom_id: id, method = 'POST', url = form.endpoint, body } = request;
    if (typeof id !== 'string' || id === '' || id.length > 512)
      return ['invalid_custom_id', 'The custom_id must be a string of 1 to 512 characters.', 'custom_id'];
    if (customIds.has(id)) {
      const message = `The custom_id '${id}' is used by another request of this batch.`;
      return ['duplicate_custom_id', message, 'custom_id'];
    }
    customIds.add(id);
    if (method !== 'POST') return ['invalid_method', 'The method must be POST.', 'method'];
    if (url !== form.endpoint) {
      const message = `The url '${url}' does not match the endpoint of the batch, '${form.endpoint}'.`;
      return ['invalid_url', message, 'url'];
    }
    return findModelProblem(isObject(body) ? body.model : undefined);
  }

  /** One model per file (OpenAI's Batch guide). */
  function findModelProblem(asked: unknown): Problem | undefined {
    if (typeof asked !== 'string' || asked === '') return missingField('body.model');
    if (isUnknownModel(asked)) return ['model_not_found', unknownModel(asked), 'body.model'];
    model ??= asked;
    if (asked === model) return undefined;
    const message = `The model '${asked}' does not match '${model}', the model of the requests before it.`;
    return ['mismatched_model', message, 'body.model'];
  }
}

function missingField(field: string): Problem {
  return ['missing_required_parameter', `Missing required parameter: '${field}'.`, field];
}
