/** A store in memory, as an object store would be one: what is not written whole never was. */
import type { Store } from '../../src/storage/store.ts';

export function createMemoryStore(): Store {
  const files = new Map<string, { readonly content: Buffer; readonly writtenAt: number }>();
  const put = (name: string, content: Buffer | string) =>
    files.set(name, { content: Buffer.from(content), writtenAt: performance.now() });
  return {
    read: async (name) => files.get(name)?.content.toString('utf8'),
    async readEnds(name, { first, last }) {
      const content = files.get(name)?.content;
      const start = Math.max(0, (content?.length ?? 0) - last);
      return content && { first: content.subarray(0, first), last: content.subarray(start) };
    },
    async *stream(name) {
      const content = files.get(name)?.content;
      if (!content) throw new Error(`There is no ${name}.`);
      for (let start = 0; start < content.length; start += 7) yield content.subarray(start, start + 7);
    },
    async write(name, content, { onComplete } = {}) {
      const pieces: Buffer[] = [];
      for await (const piece of typeof content === 'string' ? [content] : content)
        pieces.push(Buffer.from(piece));
      await onComplete?.();
      put(name, Buffer.concat(pieces));
    },
    async createNew(name, content) {
      if (files.has(name)) return false;
      put(name, content);
      return true;
    },
    async rewrite(name, content) {
      if (!files.has(name)) return false;
      put(name, content);
      return true;
    },
    list: async (prefix) => [...files.keys()].filter((name) => name.startsWith(prefix)).sort(),
    async delete(name) {
      files.delete(name);
    },
    async age(name) {
      const file = files.get(name);
      return file && performance.now() - file.writtenAt;
    },
    async clear() {},
    locate: (name) => `memory:${name}`,
  };
}
