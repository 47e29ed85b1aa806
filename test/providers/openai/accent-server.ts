/** A plain server of OpenAI's files and batches, of which accents change what it says, and nothing of what it does. */
import type { Arrived, Reply } from '../scripted-server.ts';

/** What a call is about. */
export type Operation = 'upload' | 'file' | 'create' | 'check' | 'list' | 'cancel' | 'content';

type Wire = Readonly<Record<string, unknown>>;

/** One way in which a server differs, in each place where it may. */
export interface Accent {
  readonly name: string;
  /** What can't be known of a batch in this accent. */
  readonly hides?: 'tag' | 'file' | 'times' | 'counts';
  /** An answer in place of the usual; `creations` counts those that were asked for. */
  refuse?(
    operation: Operation,
    asked: { readonly body: Wire; readonly creations: number },
  ): Reply | undefined;
  /** A line of results. */
  line?(line: Wire): unknown;
  /** A whole file of results. */
  content?(text: string): string;
  batch?(batch: Wire): Wire;
  file?(file: Wire): Wire;
  /** A batch within a list, as it stands there. */
  item?(batch: unknown): unknown;
  page?(page: Wire): unknown;
  /** The whole of an answer that is no file of results and no list. */
  body?(body: unknown, operation: Operation): unknown;
  status?(operation: Operation): number;
}

/** When every batch was created, in Unix seconds. */
export const created = Math.floor(Date.now() / 1000) - 600;
/** What becomes of each row: the third fails. */
export const rowIds = ['row-0-1a2b3c4d', 'row-1-1a2b3c4d', 'row-2-1a2b3c4d'];

interface KeptBatch {
  readonly id: string;
  readonly fileId: string;
  readonly metadata: unknown;
  status: string;
}

export interface AccentServer {
  answer(arrived: Arrived): Reply;
  /** Lets a batch be over. */
  complete(id: string): void;
  countBatches(): number;
}

export function openAccentServer(accents: readonly Accent[]): AccentServer {
  const files = new Set<string>();
  const batches: KeptBatch[] = [];
  let creations = 0;

  const change = <Value>(value: Value, how: (accent: Accent, value: Value) => unknown): unknown =>
    accents.reduce((said, accent) => how(accent, said) as Value, value);
  const tellFile = (id: string) =>
    change<unknown>({ id, object: 'file', purpose: 'batch', status: 'processed' }, ({ file }, said) =>
      file ? file(said as Wire) : said,
    );
  const tellBatch = (batch: KeptBatch) =>
    change<unknown>(describe(batch), (accent, said) => (accent.batch ? accent.batch(said as Wire) : said));
  const wrap = (operation: Operation, said: unknown): Reply => {
    const body = change(said, (accent, value) => (accent.body ? accent.body(value, operation) : value));
    const status = accents.map((accent) => accent.status?.(operation)).find(Boolean);
    return { body: body as object, ...(status && { status }) };
  };

  function list(): Reply {
    const data = batches
      .toReversed()
      .map((batch) => change(tellBatch(batch), (accent, said) => (accent.item ? accent.item(said) : said)));
    const page = change<unknown>({ object: 'list', data, has_more: false }, (accent, said) =>
      accent.page ? accent.page(said as Wire) : said,
    );
    return { body: page as object };
  }

  function tellContent(id: string): Reply {
    const isOutput = id.endsWith('-output');
    const lines = isOutput ? rowIds.slice(0, 2).map(answerLine) : rowIds.slice(2).map(errorLine);
    const told = lines.map((line) =>
      change<unknown>(line, (accent, said) => (accent.line ? accent.line(said as Wire) : said)),
    );
    const text = told.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
    return { body: change(text, (accent, said) => accent.content?.(said) ?? said) as string };
  }

  function answer({ method, path, body }: Arrived): Reply {
    const steps = new URL(path, 'http://local').pathname.replace(/^.*?\/v1/, '').split('/');
    const [, kind, id = '', part] = steps;
    const operation = findOperation(method, kind, id, part);
    if (operation === undefined) return missing(`${method} ${path}`);
    const asked = operation === 'create' ? (JSON.parse(body) as Wire) : {};
    if (operation === 'create') creations += 1;
    const refused = accents
      .map((accent) => accent.refuse?.(operation, { body: asked, creations }))
      .find(Boolean);
    if (refused) return refused;
    if (operation === 'list') return list();
    if (operation === 'content') return tellContent(id);
    if (operation === 'upload') {
      const fileId = `file-${files.size + 1}`;
      files.add(fileId);
      return wrap(operation, tellFile(fileId));
    }
    if (operation === 'file') return files.has(id) ? wrap(operation, tellFile(id)) : missing(id);
    if (operation === 'create') {
      const fileId = String(asked.input_file_id);
      if (!files.has(fileId)) return missing(fileId);
      const { metadata = null } = asked;
      batches.push({ id: `batch_${batches.length + 1}`, fileId, metadata, status: 'in_progress' });
      return wrap(operation, tellBatch(batches.at(-1) as KeptBatch));
    }
    const batch = batches.find((kept) => kept.id === id);
    if (!batch) return missing(id);
    if (operation === 'cancel') {
      if (batch.status !== 'in_progress') return refuseWith(409, `Batch ${id} is over.`);
      batch.status = 'cancelled';
    }
    return wrap(operation, tellBatch(batch));
  }

  const find = (id: string) => batches.find((kept) => kept.id === id);
  const complete = (id: string) => Object.assign(find(id) ?? {}, { status: 'completed' });
  return { answer, complete, countBatches: () => batches.length };
}

function findOperation(method: string, kind = '', id: string, part?: string): Operation | undefined {
  const operations: Readonly<Record<string, Operation>> = {
    'POST files': 'upload',
    'GET files id': 'file',
    'GET files id content': 'content',
    'POST batches': 'create',
    'GET batches': 'list',
    'GET batches id': 'check',
    'POST batches id cancel': 'cancel',
  };
  return operations[[method, kind, id && 'id', part].filter(Boolean).join(' ')];
}

export function refuseWith(status: number, message: string, fields: object = {}): Reply {
  return { status, body: { error: { message, type: 'invalid_request_error', code: null, ...fields } } };
}

function missing(what: string): Reply {
  return refuseWith(404, `There is no ${what}.`);
}

function describe({ id, fileId, metadata, status }: KeptBatch): Wire {
  const isDone = status === 'completed';
  return {
    id,
    object: 'batch',
    endpoint: '/v1/chat/completions',
    errors: null,
    input_file_id: fileId,
    completion_window: '24h',
    status,
    output_file_id: isDone ? `${id}-output` : null,
    error_file_id: isDone ? `${id}-errors` : null,
    created_at: created,
    in_progress_at: created + 60,
    expires_at: created + 86_400,
    completed_at: isDone ? created + 120 : null,
    cancelled_at: status === 'cancelled' ? created + 120 : null,
    request_counts: { total: 3, completed: isDone ? 2 : 0, failed: isDone ? 1 : 0 },
    metadata,
  };
}

function answerLine(customId: string): Wire {
  const message = { role: 'assistant', content: `Answer to ${customId}`, refusal: null };
  const body = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
  };
  const response = { status_code: 200, request_id: 'req_1', body };
  return { id: 'batch_req_1', custom_id: customId, response, error: null };
}

function errorLine(customId: string): Wire {
  const error = { message: 'Slow down.', type: 'requests', param: null, code: 'rate_limit_exceeded' };
  const response = { status_code: 429, request_id: 'req_2', body: { error } };
  return { id: 'batch_req_2', custom_id: customId, response, error: null };
}
