/** What OpenAI checks of a request file while a batch is `validating`. */

import { isUnknownModel } from './answers.ts';
import { unknownModel } from './chat.ts';
import { isObject, parseJson } from './http.ts';
import type { FileLimits } from './limits.ts';
import { type Line, lineBlocks } from './lines.ts';

/** One entry of a batch's `errors.data`; the line counts from 1 and is null for the file as a whole. */
export interface LineError {
  readonly code: string;
  readonly line: number | null;
  readonly message: string;
  readonly param: string | null;
}

export interface FileCheck {
  readonly requests: number;
  readonly model: string | undefined;
  readonly errors: readonly LineError[];
}

const mostErrors = 50;

/** Checks a request file line by line. */
export async function checkRequestFile(
  path: string,
  bytes: number,
  endpoint: string,
  limits: FileLimits,
): Promise<FileCheck> {
  if (bytes > limits.batchBytes) {
    const message = `The input file is ${bytes} bytes long; a batch takes at most ${limits.batchBytes} bytes.`;
    return { requests: 0, model: undefined, errors: [ofTheFile('file_too_large', message)] };
  }
  const checker = new LineChecker(endpoint, limits.lineBytes);
  for await (const block of lineBlocks(path)) {
    for (const line of block) {
      if (checker.requests >= limits.requests) return checker.tooMany(limits.requests);
      checker.check(line);
    }
    if (checker.errors.length >= mostErrors) break;
  }
  if (checker.requests === 0) checker.errors.push(ofTheFile('empty_file', 'The input file has no requests.'));
  return checker;
}

class LineChecker implements FileCheck {
  requests = 0;
  model: string | undefined;
  readonly errors: LineError[] = [];
  readonly #endpoint: string;
  readonly #lineBytes: number;
  readonly #customIds = new Set<string>();

  constructor(endpoint: string, lineBytes: number) {
    this.#endpoint = endpoint;
    this.#lineBytes = lineBytes;
  }

  check(line: Line): void {
    this.requests += 1;
    const error = this.#sizeError(line.text) ?? this.#errorIn(parseJson(line.text));
    if (error !== undefined) this.errors.push({ ...error, line: line.number });
  }

  tooMany(limit: number): FileCheck {
    const message = `The input file has too many requests; a batch takes at most ${limit}.`;
    return { requests: this.requests, model: this.model, errors: [ofTheFile('too_many_tasks', message)] };
  }

  #sizeError(text: string): Omit<LineError, 'line'> | undefined {
    if (Buffer.byteLength(text) <= this.#lineBytes) return undefined;
    const message = `This line is longer than the ${this.#lineBytes} bytes that one request may have.`;
    return { code: 'line_too_large', message, param: null };
  }

  #errorIn(request: unknown): Omit<LineError, 'line'> | undefined {
    if (!isObject(request)) {
      return { code: 'invalid_json_line', message: 'This line is not parseable as valid JSON.', param: null };
    }
    for (const field of ['custom_id', 'method', 'url', 'body']) {
      if (request[field] === undefined) return missing(field);
    }
    return this.#idError(request.custom_id) ?? this.#addressError(request) ?? this.#modelError(request.body);
  }

  #idError(customId: unknown): Omit<LineError, 'line'> | undefined {
    if (typeof customId !== 'string' || customId === '' || customId.length > 512) {
      const message = 'The custom_id must be a string of 1 to 512 characters.';
      return { code: 'invalid_custom_id', message, param: 'custom_id' };
    }
    if (this.#customIds.has(customId)) {
      const message = `The custom_id '${customId}' is used by another request of this batch.`;
      return { code: 'duplicate_custom_id', message, param: 'custom_id' };
    }
    this.#customIds.add(customId);
    return undefined;
  }

  #addressError(request: Record<string, unknown>): Omit<LineError, 'line'> | undefined {
    if (request.method !== 'POST') {
      return { code: 'invalid_method', message: `The method must be POST.`, param: 'method' };
    }
    if (request.url === this.#endpoint) return undefined;
    const message = `The url '${request.url}' does not match the endpoint of the batch, '${this.#endpoint}'.`;
    return { code: 'invalid_url', message, param: 'url' };
  }

  /** One model per file (OpenAI's Batch guide). */
  #modelError(body: unknown): Omit<LineError, 'line'> | undefined {
    const model = isObject(body) ? body.model : undefined;
    if (typeof model !== 'string' || model === '') return missing('body.model');
    if (isUnknownModel(model))
      return { code: 'model_not_found', message: unknownModel(model).message, param: 'body.model' };
    this.model ??= model;
    if (model === this.model) return undefined;
    const message = `The model '${model}' does not match '${this.model}', the model of the requests before it.`;
    return { code: 'mismatched_model', message, param: 'body.model' };
  }
}

function missing(field: string): Omit<LineError, 'line'> {
  return {
    code: 'missing_required_parameter',
    message: `Missing required parameter: '${field}'.`,
    param: field,
  };
}

function ofTheFile(code: string, message: string): LineError {
  return { code, line: null, message, param: null };
}
