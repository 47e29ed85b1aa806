/** Batch records under `batches/`: one JSON file per batch, in the Python tool's format with fields of our own. */

import { StringDecoder } from 'node:string_decoder';
import { LoomError } from '../core/errors.ts';
import { type BatchRecord, batchRecordShape, type IdMap, isJsonObject } from '../core/models.ts';
import { plainFileId, safeFileId } from '../storage/file-ids.ts';
import { describeDiskError, diskFailure } from '../storage/files.ts';
import { deleteHeld, type LoomHome } from '../storage/home.ts';
import type { Content, Store } from '../storage/store.ts';
import {
  type DamagedRecord,
  parseStateJson,
  readStateFile,
  readStateFiles,
  requireFields,
  writeStateFile,
} from './state-files.ts';

export interface StoredBatches {
  /** Newest first. */
  readonly records: BatchRecord[];
  readonly damaged: DamagedRecord[];
}

type BatchName = Pick<BatchRecord, 'provider' | 'batch_id'>;

/** The name of a batch's record; of one of an earlier version, of an unusual id, that which it had then. */
export async function recordName(batches: Store, { provider, batch_id: id }: BatchName): Promise<string> {
  const [name, earlier] = [safeFileId(id), plainFileId(id)].map((part) => `${provider}_${part}.json`) as [
    string,
    string,
  ];
  if (name === earlier || (await batches.list(name)).includes(name)) return name;
  const found = await readHead(batches, earlier).catch(() => undefined);
  return found?.batch_id === id ? earlier : name;
}

/** The name of the downloaded results of a batch. */
export function resultsName({ provider, batch_id: id }: BatchName): string {
  return `${provider}_${safeFileId(id)}.jsonl`;
}

// The id map stands last in our records, so that the rest can be read and replaced without holding it.
const idMapStart = ',\n  "id_map": {';
const recordEnd = '\n  }\n}\n';
const headBytes = 64 * 1024;

/** Writes a new record. `idMembers` are the lines of its id map as JSON text: `"custom id": "row",` and so on. */
export async function saveRecord(
  home: LoomHome,
  record: BatchRecord,
  idMembers: Exclude<Content, string>,
): Promise<void> {
  await writeRecord(home, record, async function* () {
    yield '\n';
    yield* idMembers;
    yield recordEnd;
  });
}

// What is on disk of the records that were loaded one by one: most batches are just as the last look has left them. A copy
// of such a record is no such record.
const storedTexts = new WeakMap<BatchRecord, string>();

/** Replaces everything but the id map of a stored record, where anything has changed since it was loaded. */
export async function updateRecord(home: LoomHome, record: BatchRecord): Promise<void> {
  const text = JSON.stringify(record);
  if (storedTexts.get(record) === text) return;
  await writeRecord(home, record, (name) => readIdMapText(home.batches, record, name));
  storedTexts.set(record, text);
}

async function writeRecord(
  home: LoomHome,
  record: BatchRecord,
  idMapText: (name: string) => AsyncIterable<string | Buffer>,
): Promise<void> {
  const name = await recordName(home.batches, record);
  async function* content() {
    yield JSON.stringify(record, null, 2).slice(0, -'\n}'.length);
    yield idMapStart;
    yield* idMapText(name);
  }
  await writeStateFile(home, home.batches, 'batch record', name, content());
}

/** What follows the start of the id map in a record, which may be large: as it stands there, in one that we wrote. */
async function* readIdMapText(
  batches: Store,
  record: BatchRecord,
  name: string,
): AsyncGenerator<string | Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  try {
    for await (const piece of batches.stream(name)) {
      head = head && Buffer.concat([head, piece]);
      const start = head && findIdMap(head);
      if (head && start === undefined && head.length >= headBytes) break;
      if (head && start === undefined) continue;
      yield head ? head.subarray(start) : piece;
      head = undefined;
    }
  } catch (error) {
    throw diskFailure('state', `read the batch record ${batches.locate(name)}`, error, {
      code: 'record_unreadable',
      facts: { path: batches.locate(name) },
      hint: 'Another process may have finished it.',
    });
  }
  if (!head) return;
  const members = Object.entries(await readIdMap(batches, record));
  yield members.map(([id, row]) => `\n    ${JSON.stringify(id)}: ${JSON.stringify(row)}`).join(',');
  yield recordEnd;
}

/** Where the id map starts, behind its brace, in a record that we wrote: it stands last there. */
function findIdMap(head: Buffer): number | undefined {
  const start = head.indexOf(idMapStart);
  const isOurs = head.subarray(0, Math.max(start, 0)).includes('\n  "job_id": ');
  return isOurs ? start + idMapStart.length : undefined;
}

/** One record as it is now; undefined when it is gone. LoomError `state` when it is damaged. */
export async function loadRecord(
  batches: Store,
  provider: string,
  batchId: string,
): Promise<BatchRecord | undefined> {
  const name = await recordName(batches, { provider, batch_id: batchId } as BatchName);
  const record = await readStateFile(batches, 'batch record', name, () => readHead(batches, name));
  if (record) storedTexts.set(record, JSON.stringify(record));
  return record;
}

/**
 * Every record, and every file that should be one and is not. A file that is in `opened`, by its name, is not opened again:
 * of which batch, job and part a record is never changes, and how its batch stands may have since.
 */
export async function loadRecords(
  batches: Store,
  opened: Map<string, BatchRecord> = new Map(),
): Promise<StoredBatches> {
  const { items: records, damaged } = await readStateFiles(batches, async (name) => {
    const record = opened.get(name) ?? (await readHead(batches, name));
    if (record) opened.set(name, record);
    return record;
  });
  records.sort((a, b) => creationTime(b) - creationTime(a));
  return { records, damaged };
}

function creationTime(record: BatchRecord): number {
  return Date.parse(record.created_at) || 0;
}

/** A record without its id map; undefined when it is gone. */
async function readHead(batches: Store, name: string): Promise<BatchRecord | undefined> {
  const ends = await batches.readEnds(name, { first: headBytes, last: 8 });
  if (!ends) return undefined;
  const idMap = findIdMap(ends.first);
  if (idMap === undefined) {
    const isAll = ends.first.length < headBytes;
    const text = isAll ? ends.first.toString('utf8') : await batches.read(name);
    return text === undefined ? undefined : parseRecord(text);
  }
  if (!ends.last.toString().trimEnd().endsWith('}\n}')) throw new LoomError('state', 'it is cut short');
  return parseRecord(`${ends.first.subarray(0, idMap - idMapStart.length)}\n}`);
}

function parseRecord(text: string): BatchRecord {
  const { id_map: _, ...record } = requireFields(batchRecordShape, parseStateJson(text));
  return record as BatchRecord;
}

/** The id map of a stored record. LoomError `state` when the record is gone or damaged. */
export async function readIdMap(batches: Store, record: BatchRecord): Promise<IdMap> {
  return readTextMap(batches, record, 'id_map');
}

/** Answers that the Python tool 0.7.0 found in its cache when it submitted: custom id → text. */
export async function readCachedResponses(batches: Store, record: BatchRecord): Promise<IdMap> {
  return 'cached_responses' in record ? readTextMap(batches, record, 'cached_responses') : {};
}

async function readTextMap(batches: Store, record: BatchRecord, field: string): Promise<IdMap> {
  const name = await recordName(batches, record);
  const path = batches.locate(name);
  const text = await batches.read(name).catch((error: unknown) => {
    throw describeDamage(path, describeDiskError(error));
  });
  if (text === undefined) throw describeDamage(path, 'no such file or folder');
  const map = (parseStateJson(text) as Record<string, unknown>)[field];
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

/** The custom ids of a record that we wrote, some at a time. */
export async function* readCustomIds(batches: Store, record: BatchRecord): AsyncGenerator<readonly string[]> {
  yield* readMemberNames(readIdMapText(batches, record, await recordName(batches, record)));
}

/** The custom ids in the text of an id map, one on a line, some at a time. */
export async function* readMemberNames(
  pieces: AsyncIterable<string | Buffer>,
): AsyncGenerator<readonly string[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + decoder.write(piece as Buffer)).split('\n');
    rest = lines.pop() as string;
    yield namesOn(lines);
  }
  yield namesOn([rest]);
}

function namesOn(lines: readonly string[]): string[] {
  return lines.map(readMemberName).filter((id) => id !== undefined);
}

/** The name on a line of an id map; undefined where there is none. */
function readMemberName(line: string): string | undefined {
  const [, id] = /^\s*"((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
  return id?.includes('\\') ? JSON.parse(`"${id}"`) : id;
}

export async function deleteRecord(home: LoomHome, record: BatchName): Promise<void> {
  await deleteHeld(home, home.batches, await recordName(home.batches, record));
}
