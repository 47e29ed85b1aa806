/** Batch records under `batches/`: one JSON file per batch, in the Python tool's format with fields of our own. */
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  type ReadStream,
  readFileSync,
  readSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { type BatchRecord, batchRecordSchema, type IdMap, isJsonObject } from '../core/models.ts';
import { plainFileId, safeFileId } from '../storage/file-ids.ts';
import {
  describeDiskError,
  ensurePrivateFolder,
  errorCode,
  listJsonFiles,
  writeFileAtomic,
} from '../storage/files.ts';
import { type LoomHome, removeHeld } from '../storage/home.ts';
import { openPlainFile } from '../storage/plain-file.ts';

/** A file under `batches/` that is no record, or only a part of one. */
export interface DamagedRecord {
  readonly path: string;
  readonly reason: string;
}

export interface StoredBatches {
  /** Newest first. */
  readonly records: BatchRecord[];
  readonly damaged: DamagedRecord[];
}

/** Where the record of a batch lies; one of an earlier version, of an unusual id, under the name that it had then. */
export function recordPath(folder: string, provider: string, batchId: string): string {
  const [path, earlier] = [safeFileId(batchId), plainFileId(batchId)].map((name) =>
    join(folder, `${provider}_${name}.json`),
  ) as [string, string];
  return path === earlier || existsSync(path) || !isRecordOf(earlier, batchId) ? path : earlier;
}

function isRecordOf(path: string, batchId: string): boolean {
  try {
    return readHead(path).record.batch_id === batchId;
  } catch {
    return false;
  }
}

/** Where the downloaded results of a batch lie. */
export function resultsPath(folder: string, record: Pick<BatchRecord, 'provider' | 'batch_id'>): string {
  return join(folder, `${record.provider}_${safeFileId(record.batch_id)}.jsonl`);
}

// The id map stands last in our records, so that the rest can be read and replaced without holding it.
const idMapStart = ',\n  "id_map": {';
const headBytes = 64 * 1024;
const highWaterMark = 256 * 1024;

/** Writes a new record. `idMembers` are the lines of its id map as JSON text: `"custom id": "row",` and so on. */
export async function saveRecord(
  home: LoomHome,
  record: BatchRecord,
  idMembers: AsyncIterable<string | Buffer> | Iterable<string | Buffer>,
): Promise<void> {
  const path = recordPath(home.batches, record.provider, record.batch_id);
  await ensurePrivateFolder(home.batches);
  await writeRecord(home, path, async function* () {
    yield* [headText(record), idMapStart, '\n'];
    yield* idMembers;
    yield '\n  }\n}\n';
  });
}

// What is on disk of the records that were loaded one by one: most batches are just as the last look has left them. A copy
// of such a record is no such record.
const storedTexts = new WeakMap<BatchRecord, string>();

/** Replaces everything but the id map of a stored record, where anything has changed since it was loaded. */
export async function updateRecord(home: LoomHome, record: BatchRecord): Promise<void> {
  const text = JSON.stringify(record);
  if (storedTexts.get(record) === text) return;
  await replaceHead(home, record);
  storedTexts.set(record, text);
}

async function replaceHead(home: LoomHome, record: BatchRecord): Promise<void> {
  const path = recordPath(home.batches, record.provider, record.batch_id);
  const idMapText = openIdMap(path);
  if (!idMapText) {
    const idMap = await readIdMap(home.batches, record);
    await writeRecord(home, path, () => [`${JSON.stringify({ ...record, id_map: idMap }, null, 2)}\n`]);
    return;
  }
  try {
    await writeRecord(home, path, async function* () {
      yield* [headText(record), idMapStart];
      yield* idMapText as AsyncIterable<Buffer>;
    });
  } finally {
    idMapText.destroy();
  }
}

/** What follows the start of the id map in a record that was there a moment ago; undefined where it does not stand last. */
function openIdMap(path: string): ReadStream | undefined {
  try {
    const { file, idMapOffset } = openRecord(path);
    if (idMapOffset !== undefined)
      return createReadStream(path, { fd: file, start: idMapOffset + idMapStart.length, highWaterMark });
    closeSync(file);
    return undefined;
  } catch (error) {
    if (error instanceof LoomError) throw error;
    throw new LoomError('state', `can't read the batch record ${path}: ${describeDiskError(error)}.`, {
      code: 'record_unreadable',
      facts: { path },
      hint: 'Another process may have finished it.',
      cause: error,
    });
  }
}

async function writeRecord(
  home: LoomHome,
  path: string,
  chunks: () => AsyncIterable<string | Buffer> | Iterable<string | Buffer>,
): Promise<void> {
  try {
    await writeFileAtomic(path, chunks(), { onComplete: home.ensureHeld });
  } catch (error) {
    if (error instanceof LoomError) throw error;
    throw new LoomError('state', `can't write the batch record ${path}: ${describeDiskError(error)}.`, {
      hint: 'Make the folder writable and free some space.',
      cause: error,
    });
  }
}

/** The record as JSON, up to the place where its id map goes. */
function headText(record: BatchRecord): string {
  return JSON.stringify(record, null, 2).slice(0, -'\n}'.length);
}

/** One record as it is now; undefined when it is gone. LoomError `state` when it is damaged. */
export async function loadRecord(
  folder: string,
  provider: string,
  batchId: string,
): Promise<BatchRecord | undefined> {
  const path = recordPath(folder, provider, batchId);
  try {
    const { record } = readHead(path);
    storedTexts.set(record, JSON.stringify(record));
    return record;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    const reason = error instanceof LoomError ? error.message : describeDiskError(error);
    throw new LoomError('state', `can't read the batch record ${path}: ${reason}.`, { cause: error });
  }
}

/**
 * Every record, and every file that should be one and is not. A file that is in `opened`, by its name, is not opened again:
 * of which batch, job and part a record is never changes, and how its batch stands may have since.
 */
export async function loadRecords(
  folder: string,
  opened: Map<string, BatchRecord> = new Map(),
): Promise<StoredBatches> {
  const records: BatchRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for (const name of (await listJsonFiles(folder)) ?? []) {
    const path = join(folder, name);
    try {
      const record = opened.get(name) ?? readHead(path).record;
      opened.set(name, record);
      records.push(record);
    } catch (error) {
      // A record that another process deleted since the folder was read is simply gone.
      if (errorCode(error) === 'ENOENT') continue;
      damaged.push({ path, reason: error instanceof LoomError ? error.message : describeDiskError(error) });
    }
  }
  records.sort((a, b) => creationTime(b) - creationTime(a));
  return { records, damaged };
}

function creationTime(record: BatchRecord): number {
  return Date.parse(record.created_at) || 0;
}

interface RecordHead {
  readonly record: BatchRecord;
  /** Where the id map starts when it stands last, as in the records that we write. */
  readonly idMapOffset: number | undefined;
}

function readHead(path: string): RecordHead {
  const { file, ...head } = openRecord(path);
  closeSync(file);
  return head;
}

// Synchronous on purpose: a listing reads many small heads, and each trip through the thread pool costs more than a read.
function openRecord(path: string): RecordHead & { readonly file: number } {
  const file = openPlainFile(path);
  try {
    const start = readAt(file, 0, headBytes);
    const idMapOffset = start.indexOf(idMapStart);
    const ours = start.subarray(0, Math.max(idMapOffset, 0)).includes('\n  "job_id": ');
    if (!ours) return { file, record: parseRecord(readFileSync(file, 'utf8')), idMapOffset: undefined };
    const { size } = fstatSync(file);
    const end = readAt(file, Math.max(0, size - 8), 8);
    if (!end.toString().trimEnd().endsWith('}\n}')) throw new LoomError('state', 'it is cut short');
    return { file, record: parseRecord(`${start.subarray(0, idMapOffset)}\n}`), idMapOffset };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}

function parseRecord(text: string): BatchRecord {
  const result = batchRecordSchema.safeParse(parseJson(text));
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new LoomError('state', `its field ${issue?.path.join('.') || 'list'} is missing or wrong`);
  }
  const { id_map: _, ...record } = result.data;
  return record as BatchRecord;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LoomError('state', text.trim() === '' ? 'it is empty' : 'it is cut short, or no JSON');
  }
}

/** The id map of a stored record. LoomError `state` when the record is gone or damaged. */
export async function readIdMap(folder: string, record: BatchRecord): Promise<IdMap> {
  return readTextMap(folder, record, 'id_map');
}

/** Answers that the Python tool 0.7.0 found in its cache when it submitted: custom id → text. */
export async function readCachedResponses(folder: string, record: BatchRecord): Promise<IdMap> {
  return 'cached_responses' in record ? readTextMap(folder, record, 'cached_responses') : {};
}

async function readTextMap(folder: string, record: BatchRecord, field: string): Promise<IdMap> {
  const path = recordPath(folder, record.provider, record.batch_id);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw describeDamage(path, describeDiskError(error));
  });
  const map = (parseJson(text) as Record<string, unknown>)[field];
  if (isJsonObject(map) && Object.values(map).every((value) => typeof value === 'string'))
    return map as IdMap;
  throw describeDamage(path, `its field ${field} is missing or wrong`);
}

function describeDamage(path: string, reason: string): LoomError {
  return new LoomError('state', `can't read the batch record ${path}: ${reason}.`, {
    code: 'record_damaged',
    facts: { path },
    hint: 'Adopt the batch again, after moving the file away.',
  });
}

/** The custom ids of a record that we wrote, one at a time. */
export async function* readCustomIds(folder: string, record: BatchRecord): AsyncGenerator<string> {
  const path = recordPath(folder, record.provider, record.batch_id);
  const idMapText = openIdMap(path);
  if (!idMapText) {
    yield* Object.keys(await readIdMap(folder, record));
    return;
  }
  let rest = '';
  for await (const chunk of idMapText.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) {
      const start = line.indexOf('"');
      if (start === -1) continue;
      yield line.slice(start + 1, line.indexOf('"', start + 1));
    }
  }
}

export async function deleteRecord(
  home: LoomHome,
  record: Pick<BatchRecord, 'provider' | 'batch_id'>,
): Promise<void> {
  await removeHeld(home, recordPath(home.batches, record.provider, record.batch_id));
}
