/** Together's files and batches, which are OpenAI's in other words: uploads in two steps, a wrapping, times as text. */
import { newId } from '../engine/store.ts';
import { isoTime } from '../engine/vendor.ts';
import { type Answer, type Call, isObject, Refused, type Route } from '../http/http.ts';
import type { OpenaiBatches } from './batches.ts';
import { openaiJson } from './chat.ts';
import { openaiFileRoutes } from './files.ts';

/** Below this path no key is wanted, and none taken: its addresses are signed. */
export const signedPath = '/signed/';

export function togetherRoutes(batches: OpenaiBatches): Route[] {
  const { files, limits } = batches;

  async function askForUpload(call: Call): Promise<Answer> {
    const form = new URLSearchParams(await call.text());
    if (form.get('purpose') !== 'batch-api') throw new Refused(400, "The purpose must be 'batch-api'.");
    const name = form.get('file_name') ?? '';
    if (!name.endsWith('.jsonl') || form.get('file_type') !== 'jsonl')
      throw new Refused(400, 'The file must be JSONL.');
    const id = `file-${newId()}`;
    const location = `${call.origin}${signedPath}${id}?name=${encodeURIComponent(name)}&signature=made-up`;
    return { status: 302, headers: { location, 'x-together-file-id': id }, body: '' };
  }

  async function receive(call: Call, id = ''): Promise<Answer> {
    if (call.header('authorization')) throw new Refused(400, 'Only one way to say who calls is allowed.');
    const length = Number(call.header('content-length') ?? -1);
    if (length <= 0 || length > limits.fileBytes)
      throw new Refused(411, 'The length is missing, or too large.');
    await files.writeBody(async (write) => {
      for await (const chunk of call.chunks()) await write(chunk);
      return { id };
    });
    const name = call.query.get('name') ?? '';
    await files.write({ id, name, bytes: length, createdAt: Date.now(), purpose: 'batch' });
    return { status: 200, headers: {}, body: '' };
  }

  async function finish(_call: Call, id = ''): Promise<Answer> {
    const file = await files.read(id);
    if (file === undefined) throw new Refused(404, `There is no file ${id}.`);
    const { name, bytes } = file;
    return openaiJson({ id, object: 'file', filename: name, bytes, purpose: 'batch-api', Processed: true });
  }

  return [
    ['uploadFile', 'POST /v1/files', askForUpload],
    ['uploadFile', `PUT ${signedPath}{id}`, receive],
    ['uploadFile', 'POST /v1/files/{id}/preprocess', finish],
    ...openaiFileRoutes(batches).filter(([kind]) => kind !== 'uploadFile'),
    ...batches
      .routes()
      .map(
        ([kind, address, run]): Route => [
          kind,
          address,
          async (...given) => reword(kind, await run(...given)),
        ],
      ),
  ];
}

function reword(kind: Route[0], answer: Answer): Answer {
  const said: unknown = JSON.parse(String(answer.body));
  if (!isObject(said)) return answer;
  if (kind === 'listBatches') return openaiJson((said.data as object[]).map(writeBatch));
  return openaiJson(kind === 'createBatch' ? { job: writeBatch(said), warning: null } : writeBatch(said));
}

/** It keeps no metadata, and tells how far a batch is in percent. */
function writeBatch(batch: object): object {
  const { id, input_file_id, endpoint, model, status, errors, output_file_id, error_file_id, ...rest } =
    batch as Record<string, unknown>;
  const { total, completed, failed } = rest.request_counts as Record<string, number>;
  const time = (seconds: unknown) => (typeof seconds === 'number' ? isoTime(seconds * 1000) : null);
  const [reason] = (isObject(errors) ? (errors.data as { message: string }[]) : []) ?? [];
  return {
    ...{ id, input_file_id, endpoint, model_id: model, output_file_id, error_file_id },
    status: String(status).toUpperCase(),
    progress: total ? (100 * ((completed ?? 0) + (failed ?? 0))) / total : 0,
    created_at: time(rest.created_at),
    completed_at: time(rest.completed_at),
    job_deadline: time(rest.expires_at),
    error: reason?.message ?? null,
  };
}
