/** A store in memory, as an object store would be one: what is not written whole never was. */
import type { OpenFile, Store } from '../../src/storage/store.ts';

export function createMemoryStore(): Store {
  const files = new Map<string, { readonly content: Buffer; readonly writtenAt: number }>();
  const put = (name: string, content: Buffer | string) =>
    files.set(name, { content: Buffer.from(content), writtenAt: performance.now() });
  function contentOf(name: string): Buffer {
    const file = files.get(name);
    if (!file) throw new Error(`There is no ${name}.`);
    return file.content;
  }

  function openFile(name: string): OpenFile {
    contentOf(name);
    return {
      readAt: (buffer, position) => contentOf(name).copy(buffer, 0, position),
      close: async () => {},
    };
  }

  return {
    read: async (name) => files.get(name)?.content.toString('utf8'),
    async readEnds(name, { first, last }) {
      const content = files.get(name)?.content;
      const start = Math.max(0, (content?.length ?? 0) - last);
      return (
        content && { size: content.length, first: content.subarray(0, first), last: content.subarray(start) }
      );
    },
    async *stream(name) {
      const content = contentOf(name);
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
    open: async (name) => openFile(name),
    async grow(name) {
      if (files.has(name)) throw new Error(`There is a ${name}.`);
      put(name, '');
      return {
        ...openFile(name),
        async append(bytes) {
          put(name, Buffer.concat([contentOf(name), bytes]));
          return bytes.length;
        },
      };
    },
    async rename(name, to) {
      const file = files.get(name);
      if (file) files.set(to, file);
      return files.delete(name);
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
    locate: (name) => `memory:/${name}`,
  };
}
