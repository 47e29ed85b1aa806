import { describe, expect, it } from 'vitest';
import type { BatchProvider } from '../../src/providers/provider.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { apiKey, failureOf, never, useServer } from './conformance.ts';

/** What a list of batches does not show is never taken not to be there. */

const server = useServer();
const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;
const timeAgo = (seconds: number) => new Date(secondsAgo(seconds) * 1000).toISOString();
const month = 30 * 24 * 3600;

async function open(name: 'openai' | 'alibaba' | 'anthropic' | 'google'): Promise<BatchProvider> {
  const connection = { apiKey, baseUrl: server().url, timeoutMs: 20_000, environment: {} };
  const provider = await providerEntry(name).openBatch?.(connection);
  if (!provider) throw new Error('no batches');
  return provider;
}

/** Plays pages one after the other, the last of them again and again. */
function playPages(...pages: object[]): void {
  let asked = 0;
  server().play(() => ({ body: pages[Math.min(asked++, pages.length - 1)] as object }));
}

const unread = (why: string) => ({
  scope: 'run',
  code: 'list_unread',
  message: `The provider's list of batches ${why}.`,
});
const circles = unread('gives the same page again and again');
const hides = unread('says that there is more of it, but not where');
const noList = {
  code: 'unreadable',
  message: "The provider's answer can't be read: it is not a list of batches. It begins: {}",
};

describe.each([
  ['openai', 'loom_tag'],
  ['alibaba', 'ds_name'],
] as const)('%s:', (name, tagField) => {
  const batch = (id: string, age: number, tag = 'other') => ({
    id,
    created_at: secondsAgo(age),
    metadata: { [tagField]: tag },
  });
  const page = (data: object[], has_more = false) => ({ object: 'list', data, has_more });
  const find = async () => (await open(name)).find?.({ tag: 'mine', fileId: undefined }, never);

  it.each([
    ['a page that is none', [page([batch('a', 5)], true), {}], noList],
    ['a page without batches that says there are more', [page([batch('a', 5)], true), page([], true)], hides],
    ['pages in a circle', [page([batch('a', 5)], true)], circles],
  ])('%s is an error', async (_, pages, error) => {
    playPages(...pages);
    expect(await failureOf(find())).toMatchObject(error);
  });

  it('reads a list to its end that begins with the oldest', async () => {
    playPages(
      page([batch('a', 3 * month), batch('b', 2 * month)], true),
      page([batch('c', 5), batch('d', 4, 'mine')]),
    );
    expect(await find()).toBe('d');
  });

  it('reads a page to its end whose batches are in no order', async () => {
    playPages(page([batch('a', 3 * month), batch('b', 4, 'mine'), batch('c', 2 * month)]));
    expect(await find()).toBe('b');
  });
});

it("goes on with the cursor of a list that has one, as Groq's", async () => {
  const batch = (id: string, tag: string) => ({ id, created_at: secondsAgo(5), metadata: { loom_tag: tag } });
  const first = { object: 'list', data: [batch('a', 'other')], paging: { next_cursor: 'second' } };
  const second = { object: 'list', data: [batch('b', 'mine')], paging: { next_cursor: null } };
  server().play(({ path }) => ({ body: /[?&]cursor=second/.test(path) ? second : first }));
  expect(await (await open('openai')).find?.({ tag: 'mine', fileId: undefined }, never)).toBe('b');
});

describe('anthropic:', () => {
  const batch = (id: string, age?: number, processing = 2) => ({
    id,
    ...(age !== undefined && { created_at: timeAgo(age) }),
    request_counts: { processing },
  });
  const page = (data: object[], has_more = false) => ({ data, has_more });
  const list = async () => {
    const found = await (await open('anthropic')).listCandidates?.(new Date(timeAgo(60)), 2, never);
    return found?.candidates.map(({ batchId }) => batchId);
  };

  it.each([
    ['a page that is none', [page([batch('a', 5)], true), {}], noList],
    ['a page without batches that says there are more', [page([batch('a', 5)], true), page([], true)], hides],
    ['pages in a circle', [page([batch('a', 5)], true)], circles],
  ])('%s is an error', async (_, pages, error) => {
    playPages(...pages);
    expect(await failureOf(list())).toMatchObject(error);
  });

  it('gives candidates oldest first, in whatever order they are listed', async () => {
    playPages(page([batch('a', 900), batch('b', 50), batch('c', 5, 3)], true), page([batch('d', 30)]));
    expect(await list()).toEqual(['b', 'd']);
    playPages(page([batch('d', 30), batch('b', 50), batch('a', 900)], true));
    expect(await list()).toEqual(['b', 'd']);
  });

  it('takes the time from an answer that is no list', async () => {
    playPages({});
    expect(await (await open('anthropic')).readClock?.(never)).toBeInstanceOf(Date);
  });

  it('counts a batch of which no time is told as a candidate', async () => {
    playPages(page([batch('a'), batch('b', 50)]));
    expect(await list()).toEqual(['a', 'b']);
  });
});

describe('google:', () => {
  const named = (name: string, displayName: string) => ({ name, metadata: { displayName } });
  const find = async () => (await open('google')).find?.({ tag: 'mine', fileId: undefined }, never);

  it('a list that leaves out places is an error, unless it has what is looked for', async () => {
    const unreachable = ['projects/p/locations/europe-west1'];
    playPages({ operations: [named('batches/a', 'other')], unreachable });
    const error = unread('leaves out places that it could not reach');
    expect(await failureOf(find())).toMatchObject(error);
    playPages({ operations: [named('batches/a', 'mine')], unreachable });
    expect(await find()).toBe('batches/a');
    playPages({ operations: [named('batches/a', 'other')], unreachable: [] });
    expect(await find()).toBeUndefined();
  });

  it('pages in a circle are an error', async () => {
    playPages({ operations: [named('batches/a', 'other')], nextPageToken: 'p2' });
    expect(await failureOf(find())).toMatchObject(circles);
  });

  it('a list without end is an error', async () => {
    let asked = 0;
    server().play(() => ({ body: { operations: [], nextPageToken: `p${asked++}` } }));
    const error = unread('has more than 200 pages');
    expect(await failureOf(find())).toMatchObject(error);
  });
});
