/** The suite that every driver of the store is held to. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/storage/store.ts';

export interface StoreUnderTest {
  readonly name: string;
  /** An empty store of its own for each test. */
  open(): Promise<Store>;
}

export function describeStore({ name, open }: StoreUnderTest): void {
  describe(name, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
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
