/** A stand-in for OpenAI whose batches do just what a test says, down to the bytes of their result files. */
import { type HttpServer, type Received, type Response, say, startHttpServer } from './http-server.ts';

export interface DoubleBatch {
  readonly id: string;
  /** OpenAI's word. A new batch is completed at once. */
  status: string;
  /** `errors.data` of a failed batch. */
  errors: { code: string; message: string }[];
  /** The request lines that were uploaded. */
  readonly lines: readonly { custom_id: string; method: string; url: string; body: ChatBody }[];
  readonly creation: Record<string, unknown>;
  /** The output file; undefined: there is none. */
  output: string | undefined;
  /** The error file; undefined: there is none. */
  errorOutput: string | undefined;
  /** Undefined: those that its files give. */
  counts: { total: number; completed: number; failed: number } | undefined;
}

interface ChatBody {
  readonly model: string;
  readonly messages: { role: string; content: string }[];
}

export interface OpenAiDouble {
  /** For OPENAI_BASE_URL. */
  readonly url: string;
  readonly requests: Received[];
  /** By creation. */
  readonly batches: DoubleBatch[];
  /** Called on every new batch, to change what becomes of it. */
  onCreate: (batch: DoubleBatch) => void;
  /** What a prompt is answered, live and in batches. */
  answerTo: (prompt: string) => string;
  /** Uploaded files that were deleted. */
  readonly deletedFiles: string[];
  /** Answers in place of the usual, when it returns something. */
  override: (request: Received) => Response | Promise<Response> | undefined;
  /** The usual answer, with all that it does. */
  answer(request: Received): Response;
  close(): Promise<void>;
}

/** Statuses of batches that have result files. */
const ended = new Set(['completed', 'expired', 'cancelled']);

const final = new Set([...ended, 'failed']);

/** One line of an output file. */
export function answerLine(customId: string, text: string): string {
  const message = { role: 'assistant', content: text, refusal: null };
  const body = { object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] };
  return JSON.stringify({ custom_id: customId, response: { status_code: 200, body }, error: null });
}

/** One line of an error file. */
export function errorLine(customId: string, status: number, code: string, message: string): string {
  const response = { status_code: status, body: { error: { code, message } } };
  return JSON.stringify({ custom_id: customId, response, error: null });
}

export function promptOf(line: DoubleBatch['lines'][number]): string {
  return line.body.messages[0]?.content ?? '';
}

/** The answer that a batch gives where a test says nothing else. */
export function usualAnswer(prompt: string): string {
  return `Answer to ${prompt}`;
}

export async function startOpenAiDouble(): Promise<OpenAiDouble> {
  const files = new Map<string, string>();
  const batches: DoubleBatch[] = [];
  const deletedFiles: string[] = [];
  const server: HttpServer = await startHttpServer((request) => double.override(request) ?? answer(request));
  const double: OpenAiDouble = {
    url: `${server.url}/v1`,
    requests: server.requests,
    batches,
    deletedFiles,
    onCreate: () => {},
    answerTo: usualAnswer,
    override: () => undefined,
    answer,
    close: () => server.close(),
  };

  function answer({ method, path, body }: Received): Response {
    const [, kind, id, part] = path.replace(/^\/v1/, '').split('/');
    if (kind === 'chat') return say(double.answerTo(JSON.parse(body).messages.at(-1).content));
    if (method === 'POST' && kind === 'files') return upload(body);
    if (method === 'POST' && kind === 'batches' && !id) return create(JSON.parse(body));
    if (kind === 'batches' && !id) return { body: { object: 'list', data: list(), has_more: false } };
    if (method === 'DELETE' && kind === 'files' && id) {
      deletedFiles.push(id);
      return { body: { id, object: 'file', deleted: true } };
    }
    const batch = batches.find((candidate) => candidate.id === id || id?.startsWith(`file-${candidate.id}-`));
    if (kind === 'batches' && batch && part === 'cancel') return cancel(batch);
    if (kind === 'batches' && batch) return { body: describe(batch) };
    if (kind === 'files' && part === 'content' && batch) {
      return { body: (id?.endsWith('-output') ? batch.output : batch.errorOutput) ?? '' };
    }
    const message = `No ${kind} with id '${id}' found.`;
    return { status: 404, body: { error: { message, type: 'invalid_request_error', code: null } } };
  }

  function cancel(batch: DoubleBatch): Response {
    if (final.has(batch.status)) {
      const message = `Cannot cancel a batch with status '${batch.status}'.`;
      return { status: 409, body: { error: { message, type: 'invalid_request_error', code: null } } };
    }
    batch.status = 'cancelling';
    return { body: describe(batch) };
  }

  function list(): object[] {
    return batches.map(describe).reverse();
  }

  function upload(form: string): Response {
    const id = `file-upload${files.size + 1}`;
    files.set(id, form);
    return { body: { id, object: 'file', bytes: form.length, purpose: 'batch', filename: 'requests.jsonl' } };
  }

  function create(creation: Record<string, unknown>): Response {
    const form = files.get(creation.input_file_id as string) ?? '';
    const lines = form
      .split(/\r?\n/)
      .filter((line) => line.startsWith('{"custom_id"'))
      .map((line) => JSON.parse(line) as DoubleBatch['lines'][number]);
    const output = lines
      .map((line) => `${answerLine(line.custom_id, double.answerTo(promptOf(line)))}\n`)
      .join('');
    const batch: DoubleBatch = {
      id: `batch_${String(batches.length + 1).padStart(3, '0')}`,
      status: 'completed',
      errors: [],
      lines,
      creation,
      output,
      errorOutput: undefined,
      counts: undefined,
    };
    batches.push(batch);
    double.onCreate(batch);
    return { body: describe(batch) };
  }

  return double;
}

function describe(batch: DoubleBatch): Record<string, unknown> {
  return {
    id: batch.id,
    object: 'batch',
    endpoint: '/v1/chat/completions',
    input_file_id: batch.creation.input_file_id,
    completion_window: '24h',
    status: batch.status,
    created_at: Math.floor(Date.now() / 1000),
    ...(batch.errors.length > 0 && { errors: { object: 'list', data: batch.errors } }),
    ...(ended.has(batch.status) && {
      output_file_id: batch.output === undefined ? null : `file-${batch.id}-output`,
      error_file_id: batch.errorOutput === undefined ? null : `file-${batch.id}-errors`,
    }),
    request_counts: batch.counts ?? countsOf(batch),
    metadata: batch.creation.metadata ?? null,
  };
}

/** What the files hold, row by row. */
function countsOf({ lines, output, errorOutput }: DoubleBatch): object {
  const count = (file: string | undefined) => file?.match(/"custom_id":"[^"]/g)?.length ?? 0;
  return { total: lines.length, completed: count(output), failed: count(errorOutput) };
}
