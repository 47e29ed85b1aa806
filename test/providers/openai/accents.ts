/**
 * The accents of servers that speak like OpenAI, each by itself. A name ahead of one is that of a vendor that has it, by
 * its package or its page; those without are forms that others have, or may have.
 */
import { type Accent, type Operation, refuseWith } from './accent-server.ts';

type Wire = Readonly<Record<string, unknown>>;

const responseOf = (line: Wire) => line.response as Wire & { body: Wire; status_code: number };
const isAnswer = (line: Wire) => typeof line.response === 'object' && responseOf(line)?.status_code === 200;
const withResponse = (line: Wire, change: (response: Wire & { body: Wire }) => unknown): Wire =>
  line.response && typeof line.response === 'object' ? { ...line, response: change(responseOf(line)) } : line;

const ofBatch: readonly Operation[] = ['create', 'check', 'cancel'];
const wrapBatch = (name: string): Pick<Accent, 'body'> => ({
  body: (body, operation) => (ofBatch.includes(operation) ? { [name]: body } : body),
});
const wrapFile = (name: string): Pick<Accent, 'body'> => ({
  body: (body, operation) => (operation === 'upload' || operation === 'file' ? { [name]: body } : body),
});

const timeFields = ['created_at', 'in_progress_at', 'expires_at', 'completed_at', 'cancelled_at'];
const tellTimes =
  (write: (seconds: number) => unknown) =>
  (batch: Wire): Wire => ({
    ...batch,
    ...Object.fromEntries(
      timeFields.map((field) => {
        const time = batch[field];
        return [field, typeof time === 'number' ? write(time) : time];
      }),
    ),
  });
const callStatus = (words: Readonly<Record<string, string>>) => (batch: Wire) => ({
  ...batch,
  status: words[String(batch.status)] ?? batch.status,
});
const without =
  (...names: string[]) =>
  (object: Wire) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
const rename = (from: string, to: string) => (object: Wire) =>
  from in object ? { ...without(from)(object), [to]: object[from] } : object;

/** On a line of results. */
const lineAccents: readonly Accent[] = [
  {
    name: 'OGX: the body as a text of JSON',
    line: (line) =>
      withResponse(line, (response) =>
        'body' in response ? { ...response, body: JSON.stringify(response.body) } : response,
      ),
  },
  { name: 'a response without a status', line: (line) => withResponse(line, without('status_code')) },
  {
    name: 'a status in words',
    line: (line) =>
      withResponse(line, (response) =>
        'status_code' in response ? { ...response, status_code: String(response.status_code) } : response,
      ),
  },
  {
    name: 'the answer as the response',
    line: (line) =>
      withResponse(line, (response) => (isAnswer(line) ? (response.body ?? response) : response)),
  },
  {
    name: 'the answer beside the id',
    line: (line) => {
      if (!isAnswer(line)) return line;
      const { body } = responseOf(line);
      return { ...without('response')(line), ...(typeof body === 'string' ? { body } : body) };
    },
  },
  {
    name: 'the response as a text',
    line: (line) => withResponse(line, (response) => JSON.stringify(response)),
  },
  {
    name: 'an error of nulls',
    line: (line) => (line.error === null ? { ...line, error: { code: null, message: null } } : line),
  },
  { name: 'an empty error', line: (line) => (line.error === null ? { ...line, error: '' } : line) },
  {
    name: 'an error of null in the body',
    line: (line) =>
      withResponse(line, (response) =>
        isAnswer(line) && typeof response.body === 'object'
          ? { ...response, body: { ...response.body, error: { code: null, message: null } } }
          : response,
      ),
  },
  {
    name: 'OGX: a row that failed has no response',
    line: ({ id, custom_id, response, ...line }) =>
      responseOf({ response })?.status_code === 429
        ? { id, custom_id, error: { type: 'request_failed', message: 'Slow down.' } }
        : { id, custom_id, response, ...line },
  },
  {
    name: 'Together: a row that failed is an id and an error',
    line: (line) =>
      responseOf(line)?.status_code === 429
        ? { custom_id: line.custom_id, error: { message: 'Slow down.', code: 429 } }
        : line,
  },
  {
    name: 'a line as a text',
    line: (line) => (typeof line === 'string' ? line : JSON.stringify(JSON.stringify(line))),
  },
  { name: 'blank lines', content: (text) => text.replaceAll('\n', '\n\n') },
];

/** On a batch, wherever it is told. */
const batchAccents: readonly Accent[] = [
  {
    name: 'Together: a status in capitals',
    batch: (batch) => ({ ...batch, status: String(batch.status).toUpperCase() }),
  },
  { name: 'Novita: progress', batch: callStatus({ in_progress: 'PROGRESS' }) },
  { name: 'a status that is one word', batch: callStatus({ in_progress: 'InProgress' }) },
  {
    name: 'other words for a status',
    batch: callStatus({ in_progress: 'running', completed: 'succeeded', cancelled: 'canceled' }),
  },
  { name: 'SiliconFlow: in_queue', batch: callStatus({ in_progress: 'in_queue' }) },
  {
    name: 'Mistral: output_file',
    batch: (batch) => rename('error_file_id', 'error_file')(rename('output_file_id', 'output_file')(batch)),
  },
  {
    name: 'Mistral: input_files',
    batch: (batch) => ({ ...without('input_file_id')(batch), input_files: [batch.input_file_id] }),
  },
  {
    name: 'files as objects',
    batch: (batch) => ({
      ...batch,
      ...Object.fromEntries(
        ['input_file_id', 'output_file_id', 'output_file']
          .filter((name) => typeof batch[name] === 'string')
          .map((name) => [name, { id: batch[name] }]),
      ),
    }),
  },
  { name: 'Together: times as ISO text', batch: tellTimes((time) => new Date(time * 1000).toISOString()) },
  { name: 'Novita: times as numbers in text', batch: tellTimes(String) },
  { name: 'times in milliseconds', batch: tellTimes((time) => time * 1000) },
  { name: 'no times', hides: 'times', batch: without(...timeFields) },
  {
    name: 'counts as text',
    batch: (batch) => ({
      ...batch,
      ...('request_counts' in batch && {
        request_counts: Object.fromEntries(
          Object.entries(batch.request_counts as Wire).map(([name, count]) => [name, String(count)]),
        ),
      }),
    }),
  },
  { name: 'Together: no counts', hides: 'counts', batch: without('request_counts') },
  { name: 'Moonshot: no errors', batch: without('errors') },
  { name: 'metadata that is not kept', hides: 'tag', batch: (batch) => ({ ...batch, metadata: null }) },
  {
    name: 'metadata as a text of JSON',
    batch: (batch) => ({ ...batch, metadata: JSON.stringify(batch.metadata) }),
  },
  {
    name: 'a batch without the file that it was made of',
    hides: 'file',
    batch: without('input_file_id', 'input_files'),
  },
  {
    name: 'files that are not there yet as empty texts',
    batch: (batch) =>
      Object.fromEntries(
        Object.entries(batch).map(([name, value]) => [
          name,
          value === null && name.endsWith('_file_id') ? '' : value,
        ]),
      ),
  },
];

const addBeside = (fields: Wire) => (body: unknown) =>
  typeof body === 'object' && !Array.isArray(body) ? { ...fields, ...(body as Wire) } : body;

/** Around an answer. */
const frameAccents: readonly Accent[] = [
  { name: 'Together: a batch in job', ...wrapBatch('job') },
  { name: 'a batch in batch', ...wrapBatch('batch') },
  { name: 'a batch in data', ...wrapBatch('data') },
  {
    name: 'SiliconFlow: everything in data, beside a code and a status',
    body: (body) => ({ code: 20_000, message: 'Ok', status: true, data: body }),
  },
  {
    name: 'everything in data, beside an id and a word',
    body: (body) => ({ id: 'req_1', status: 'success', data: body }),
  },
  { name: 'an upload in data', ...wrapFile('data') },
  { name: 'an upload in file', ...wrapFile('file') },
  { name: 'Together: a warning beside a batch', body: addBeside({ warning: 'Beta.' }) },
  { name: 'a null error beside it', body: addBeside({ error: null }) },
  { name: 'everything in a list', body: (body) => [body] },
  { name: 'everything as a text of JSON', body: (body) => JSON.stringify(JSON.stringify(body)) },
  { name: '202 on a creation', status: (operation) => (operation === 'create' ? 202 : 200) },
  { name: '201 on an upload', status: (operation) => (operation === 'upload' ? 201 : 200) },
];

/** On the list of batches. */
const listAccents: readonly Accent[] = [
  {
    name: 'Groq: a list without has_more',
    page: (page) => (Array.isArray(page) ? page : without('has_more')(page)),
  },
  {
    name: 'Together: a list that is an array',
    page: (page) => (Array.isArray(page) ? page : (page.data ?? page)),
  },
  { name: 'a list in data', page: (page) => ({ code: 20_000, data: page }) },
  {
    name: 'a list in batches',
    page: (page) =>
      Array.isArray(page)
        ? { batches: page }
        : Array.isArray(page.data)
          ? rename('data', 'batches')(page)
          : page,
  },
  { name: 'items in job', item: (job) => ({ job }) },
  { name: 'items in batch', item: (batch) => ({ batch }) },
  { name: 'items in data', item: (data) => ({ data }) },
];

const refuseMetadata = (status: number, reply: (field: string) => object): Pick<Accent, 'refuse'> => ({
  refuse: (operation, { body }) =>
    operation === 'create' && 'metadata' in body ? { status, body: reply('metadata') } : undefined,
});

/** What a server refuses. */
const refusingAccents: readonly Accent[] = [
  {
    name: 'metadata that is refused',
    hides: 'tag',
    ...refuseMetadata(400, (field) => ({
      error: { message: `Unrecognized request argument supplied: ${field}` },
    })),
  },
  {
    name: 'metadata that is refused by a schema',
    hides: 'tag',
    ...refuseMetadata(422, (field) => ({
      detail: [{ type: 'extra_forbidden', loc: ['body', field], msg: 'Extra inputs are not permitted' }],
    })),
  },
  {
    name: 'a file that is not processed yet',
    refuse: (operation, { creations }) =>
      operation === 'create' && creations === 1
        ? refuseWith(400, 'The file file-1 has not been processed yet. Please wait and try again.')
        : undefined,
  },
  {
    name: 'a file that is not ready, at a server that does not tell of files',
    refuse: (operation, { creations }) => {
      if (operation === 'file') return refuseWith(404, 'Not found.');
      return operation === 'create' && creations === 1
        ? refuseWith(400, 'File status is pending.', { code: 'file_not_ready' })
        : undefined;
    },
  },
];

export const accents: readonly Accent[] = [
  ...lineAccents,
  ...batchAccents,
  ...frameAccents,
  ...listAccents,
  ...refusingAccents,
];
