/** How a batch is found again in the list that a server has of them, whatever form that has. */
import { asList, asObject, asText, type WireObject } from '../../network/wire.ts';
import { findBatch, lookThrough, readId, requireList } from '../../protocol/batch-calls.ts';
import { readNext, unreadList } from '../../protocol/list-pages.ts';
import { findHeld, openObject } from '../../protocol/wrappings.ts';
import type { SentBatch } from '../../provider.ts';
import { readFileId, readTime } from './read-batch.ts';

interface BatchList {
  /** An empty object for what is none. */
  readonly batches: readonly WireObject[];
  /** By what the next page is asked for: the field of the query, and what it is set to. */
  readonly next: { readonly field: 'after' | 'cursor'; readonly value: string } | undefined;
  /** Whether the next page is asked for on the mere chance that there is one. */
  readonly isGuess: boolean;
}

/** The names that servers have for the batches of a page. */
const listNames = ['data', 'batches', 'jobs', 'items'];

/** One page; ProviderError `unreadable` for what is no list. */
export function readBatchList(answer: unknown): BatchList {
  const found = findHeld(answer, (object) => listNames.some((name) => Array.isArray(object[name])));
  const page = found ?? (Array.isArray(answer) ? { data: answer } : asObject(answer));
  const name = listNames.find((name) => Array.isArray(page[name])) ?? 'data';
  requireList({ ...page, data: page[name] });
  const batches = asList(page[name]).map((item) => findBatch(item) ?? {});
  const last = asText(batches.at(-1)?.id);
  // Groq's list has a cursor in place of `has_more` (its page on batches).
  const cursor = asText(asObject(page.paging).next_cursor);
  if (cursor) return { batches, next: { field: 'cursor', value: cursor }, isGuess: false };
  // However many a server gives at a time, there may be more where it does not say.
  const isGuess = typeof page.has_more !== 'boolean' && last !== '';
  const value = readNext('batches', isGuess || page.has_more, last);
  return { batches, next: value === undefined ? undefined : { field: 'after', value }, isGuess };
}

/**
 * The id of the batch that was sent so, looked for on all pages. A list that leaves out both by which it could be known is
 * an error: the batch may be one of them.
 */
export async function findSentBatch(
  ask: (query: object) => Promise<BatchList>,
  query: object,
  since: Date,
  sent: SentBatch & { readonly tagField: string | undefined },
): Promise<string | undefined> {
  const seen = new Set<string>();
  let next: BatchList['next'];
  let isGuess = false;
  let isUntold = false;
  const openPage = async (_: string | undefined) => {
    const asked = await ask({ ...query, ...(next && { [next.field]: next.value }) });
    // A server without pages gives all of them again.
    const isRepeated = isGuess && asked.batches.some(({ id }) => seen.has(asText(id)));
    const { batches } = isRepeated ? { batches: [] } : asked;
    next = isRepeated ? undefined : asked.next;
    isGuess = asked.isGuess;
    for (const { id } of batches) seen.add(asText(id));
    return { batches, times: batches.map((batch) => readTime(batch.created_at)), next: next?.value };
  };
  const found = await lookThrough(since, openPage, ({ batches }) => {
    const known = batches.map((batch) => ({ batch, isSent: isSentBatch(batch, sent) }));
    isUntold ||= known.some(({ batch, isSent }) => isSent === undefined && !isOlder(batch, since));
    const { batch } = known.find(({ isSent }) => isSent) ?? {};
    return batch && readId(batch, 'id');
  });
  if (found === undefined && isUntold)
    throw unreadList('batches', 'does not say of each what it was made of');
  return found;
}

function isOlder({ created_at }: WireObject, since: Date): boolean {
  const time = readTime(created_at);
  return time !== undefined && time < since;
}

/**
 * A server that keeps no metadata still tells what a batch was made of; one that failed for a full queue has another tag.
 * Undefined where neither is told.
 */
function isSentBatch(
  batch: WireObject,
  { tag, fileId, formerIds, tagField }: Parameters<typeof findSentBatch>[3],
): boolean | undefined {
  // One that a full queue gave back was made of the same file.
  if (formerIds?.includes(asText(batch.id))) return false;
  const kept = tagField === undefined ? '' : asText(openObject(batch.metadata)[tagField]);
  if (kept !== '') return kept === tag;
  const made = readFileId(batch, 'input');
  return made === '' ? undefined : made === fileId;
}
