import { describe, expect, it } from 'vitest';
import { JsonListReading } from '../../../src/providers/transport/json-list.ts';

/** The text in pieces of so many bytes. */
async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(text: string, { name = 'results', size = 7, most = 100 } = {}) {
  const list = new JsonListReading(name);
  const values: unknown[] = [];
  const failure = await (async () => {
    for await (const some of list.read(inPieces(text, size), most)) values.push(...some);
  })().catch((error: unknown) => error as Error);
  return { values, failure, outside: list.outside(), hasList: list.hasList };
}

const odd = { a: 'ü [1, 2] {"x": "y\\"', b: [[], {}, [{ c: ',' }]], d: null };

describe('a list within a large object', () => {
  it.each([1, 2, 3, 7, 1_000])(
    'gives its elements, and the object without them, in pieces of %i bytes',
    async (size) => {
      const object = {
        id: 'größe',
        tags: ['results', { results: 1 }],
        results: [odd, 2, 'x', null],
        end: '"results":[',
      };
      for (const text of [JSON.stringify(object), `\ufeff ${JSON.stringify(object, null, 2)}\r\n`]) {
        const { values, failure, outside } = await readAll(text, { size });
        expect([values, failure]).toEqual([[odd, 2, {}, null], undefined]);
        expect(outside).toEqual({ ...object, results: [] });
      }
    },
  );

  it('is found in what is wrapped around it', async () => {
    const { values, outside } = await readAll('{"error":null,"data":{"id":"b","results":[{"a":1}]}}');
    expect([values, outside]).toEqual([[{ a: 1 }], { error: null, data: { id: 'b', results: [] } }]);
  });

  it.each([
    ['null', '{"id":"b","results":null}'],
    ['absent', '{"id":"b"}'],
  ])('may be %s', async (_what, text) => {
    expect(await readAll(text)).toMatchObject({ values: [], failure: undefined, hasList: false });
  });

  it('tells what stands ahead of it before it has ended', async () => {
    const list = new JsonListReading('results');
    const body = inPieces(`{"id":"b","status":"completed","results":[${'{"a":1},'.repeat(100)}`, 100);
    for await (const values of list.read(body, 100)) {
      expect(values.length).toBeGreaterThan(0);
      break;
    }
    expect(list.outside()).toEqual({ id: 'b', status: 'completed', results: [] });
  });

  it.each([
    ['breaks off', '{"results":[{"a":1},{"b"', [{ a: 1 }], 'it breaks off'],
    ['breaks off behind the list', '{"results":[{"a":1}]', [{ a: 1 }], 'it breaks off'],
    ['is a page', '<html><body>{"a"}</body></html>', [], 'it is no JSON object'],
    ['is empty', '', [], 'it is no JSON object'],
    ['closes what it has not opened', '{"results":[{"a":1}}', [], 'its brackets do not match'],
  ])('is worth another try where the body %s, and what came is given out', async (_what, text, came, why) => {
    const { values, failure } = await readAll(text);
    expect(values).toEqual(came);
    expect(failure).toMatchObject({
      scope: 'retry',
      code: 'unreadable',
      message: `The provider's answer can't be read: ${why}.`,
    });
  });

  it('leaves out an element that is no JSON, and goes on', async () => {
    expect(await readAll('{"results":[{"a":1},{oops},{"b":2}]}')).toMatchObject({
      values: [{ a: 1 }, { b: 2 }],
      failure: undefined,
    });
  });

  it('is not read on beyond as many elements as are wanted', async () => {
    const { values, failure } = await readAll(`{"results":[${'1,'.repeat(50)}1]}`, { most: 20 });
    expect(values).toHaveLength(20);
    expect(failure).toMatchObject({ scope: 'run', code: 'too_large' });
  });
});
