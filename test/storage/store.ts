/** The suite that every driver of the store is held to. */
import { EventEmitter, once } from 'node:events';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../src/storage/store.ts';

export interface StoreUnderTest {
  readonly name: string;
  /** An empty store of its own for each test. */
  open(): Store;
}

export function describeStore({ name, open }: StoreUnderTest): void {
  describe(name, () => {
    let store: Store;
    beforeEach(() => {
      store = open();
    });

    const readAll = async (file: string) => {
      const pieces: Buffer[] = [];
      for await (const piece of store.stream(file)) pieces.push(piece);
      return Buffer.concat(pieces).toString();
    };

    test('has nothing before the first file', async () => {
      expect(await store.list('')).toEqual([]);
      expect(await store.read('a')).toBeUndefined();
      expect(await store.readEnds('a', { first: 1, last: 1 })).toBeUndefined();
      await expect(readAll('a')).rejects.toThrow();
      await store.delete('a');
      await store.clear(/./, 0);
    });

    test('puts a file there whole, also in place of another', async () => {
      await store.write('a', 'the first content');
      await store.write('a', ['the ', Buffer.from('second')]);
      expect(await store.read('a')).toBe('the second');
      expect(await store.list('')).toEqual(['a']);
    });

    test('gives the ends of a file, and all of it in pieces', async () => {
      const content = `${'x'.repeat(300_000)}end`;
      await store.write('a', content);
      const ends = await store.readEnds('a', { first: 2, last: 4 });
      expect([ends?.first.toString(), ends?.last.toString(), ends?.size]).toEqual(['xx', 'xend', 300_003]);
      expect(await readAll('a')).toBe(content);
      const all = await store.readEnds('a', { first: 400_000, last: 400_000 });
      expect([all?.first.length, all?.last.length]).toEqual([300_003, 300_003]);
    });

    test('streams what was there when it began, whoever writes meanwhile', async () => {
      const content = 'old '.repeat(200_000);
      await store.write('a', content);
      const pieces: Buffer[] = [];
      for await (const piece of store.stream('a')) {
        if (pieces.length === 0) await store.write('a', 'new');
        pieces.push(piece);
      }
      expect(Buffer.concat(pieces).toString()).toBe(content);
      expect(await store.read('a')).toBe('new');
    });

    test('grows a file, which is read by place at once, and under another name', async () => {
      const file = await store.grow('a');
      await expect(store.grow('a')).rejects.toThrow();
      for (const text of ['one ', 'two ']) expect(await file.append(Buffer.from(text))).toBe(4);
      const buffer = Buffer.alloc(9);
      expect(buffer.toString('utf8', 0, file.readAt(buffer, 2))).toBe('e two ');
      await file.close();
      expect(await store.rename('a', 'b')).toBe(true);
      expect(await store.rename('a', 'b')).toBe(false);
      const later = await store.open('b');
      expect(buffer.toString('utf8', 0, later.readAt(buffer, 4))).toBe('two ');
      await later.close();
      await expect(store.open('a')).rejects.toThrow();
    });

    test.each([
      ['whose pieces fail', failing, undefined],
      ['that is refused at its end', () => ['half', 'whole'], async () => Promise.reject(new Error('no'))],
    ])('leaves the file as it was by a write %s', async (_, pieces, onComplete) => {
      await store.write('a', 'old');
      for (const file of ['a', 'b'])
        await expect(store.write(file, pieces(), onComplete && { onComplete })).rejects.toThrow('no');
      expect(await store.read('a')).toBe('old');
      expect(await store.list('')).toEqual(['a']);
    });

    test('has nothing of a write that was cut off, and clears what it left', async () => {
      await store.write('a', 'old');
      for (const file of ['a', 'b']) await cutOff(store, file);
      expect(await store.read('a')).toBe('old');
      expect(await store.read('b')).toBeUndefined();
      expect(await store.list('')).toEqual(['a']);
      await store.clear(/^[ab]$/, 3_600_000);
      await store.clear(/^[ab]$/, -1);
      expect(await store.createNew('b', 'new')).toBe(true);
      await store.write('a', 'new');
      expect(await store.list('')).toEqual(['a', 'b']);
      expect(await store.read('a')).toBe('new');
    });

    test('reads what was written, and nothing where there is nothing', async () => {
      expect(await store.read('a')).toBeUndefined();
      await store.createNew('a', 'über');
      expect(await store.read('a')).toBe('über');
    });

    test('makes a file only once', async () => {
      expect(await store.createNew('a', 'first')).toBe(true);
      expect(await store.createNew('a', 'second')).toBe(false);
      expect(await store.read('a')).toBe('first');
    });

    test('lets one of many make a file, with its whole content', async () => {
      const contents = Array.from({ length: 16 }, (_, index) => `${index} `.repeat(1_000));
      const made = await Promise.all(contents.map((content) => store.createNew('a', content)));
      expect(made.filter(Boolean)).toHaveLength(1);
      expect(await store.read('a')).toBe(contents[made.indexOf(true)]);
    });

    test('writes over what is there, with less or with more', async () => {
      await store.createNew('a', 'middle');
      expect(await store.rewrite('a', 'in')).toBe(true);
      expect(await store.read('a')).toBe('in');
      expect(await store.rewrite('a', 'in the end')).toBe(true);
      expect(await store.read('a')).toBe('in the end');
    });

    test('never brings back what was deleted', async () => {
      await store.createNew('a', 'x');
      await store.delete('a');
      expect(await store.rewrite('a', 'y')).toBe(false);
      expect(await store.read('a')).toBeUndefined();
      expect(await store.list('')).toEqual([]);
    });

    test('deletes what is there, and what is not', async () => {
      await store.createNew('a', 'x');
      await store.delete('a');
      await store.delete('a');
      expect(await store.createNew('a', 'y')).toBe(true);
    });

    test('lists the names that begin so, in order', async () => {
      for (const file of ['b.2', 'a.1', 'b.10', 'c']) await store.createNew(file, '');
      expect(await store.list('b.')).toEqual(['b.10', 'b.2']);
      expect(await store.list('')).toEqual(['a.1', 'b.10', 'b.2', 'c']);
      expect(await store.list('d')).toEqual([]);
    });

    test('tells how long ago a file was written, by one clock for all', async () => {
      expect(await store.age('a')).toBeUndefined();
      await store.createNew('a', 'x');
      const age = (await store.age('a')) as number;
      expect(age).toBeGreaterThanOrEqual(0);
      await store.rewrite('a', 'y');
      expect(await store.age('a')).toBeLessThan(age + 60_000);
      expect(await store.list('')).toEqual(['a']);
    });
  });
}

/** A write whose process stops for good after its first pieces, as far as the test can see. */
export async function cutOff(store: Store, name: string): Promise<void> {
  const moments = new EventEmitter();
  const isWritten = once(moments, 'written');
  const isOver = once(moments, 'over');
  async function* pieces() {
    yield* ['half', 'of it'];
    moments.emit('written');
    await isOver;
    throw new Error('It was cut off.');
  }
  const writing = store.write(name, pieces()).catch(() => {});
  onTestFinished(async () => {
    moments.emit('over');
    await writing;
  });
  await isWritten;
}

function* failing(): Generator<string> {
  yield 'half';
  throw new Error('no');
}
