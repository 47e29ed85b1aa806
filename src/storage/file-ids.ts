/** Ids that a provider gave, as parts of file names. */
import { createHash } from 'node:crypto';

/** What providers call their batches: `batch_68f1…`, `msgbatch_01…`, `batches/abc-12`. */
const usual = /^(?:batches\/)?(?!batches_)[\w-](?:[\w.-]*[\w-])?$/;
const longestUsual = 150;
const longestShown = 60;

/**
 * An id as part of a file name, which is never that of another id: it can't leave its folder, and every system takes it.
 * A usual one is there as it is, with `_` for `/`, as the Python tool has it. What else a server may say is there as
 * far as it is letters and digits, with a hash of the whole.
 */
export function safeFileId(id: string): string {
  if (usual.test(id) && id.length <= longestUsual) return plainFileId(id);
  const shown = id.slice(0, longestShown).replace(/[^\w-]+/g, '_');
  return `${shown}~${createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('hex').slice(0, 24)}`;
}

/** An id in a file name as earlier versions wrote it: two ids could have the same. */
export function plainFileId(id: string): string {
  return id.replace(/[/\\]/g, '_').replaceAll('\0', '_');
}
