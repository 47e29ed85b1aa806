/** The thread that reads the pages of a Parquet file. Started by page-thread.ts. */
import { answerTasks } from '../../core/thread.ts';
import { ChunkReader } from './chunk.ts';
import type { PagesReply, PagesTask } from './page-thread.ts';

/** Of each column, the one of the row group that is being read. */
const readers = new Map<number, ChunkReader>();

answerTasks(({ column, starts, bytes }: PagesTask): PagesReply => {
  try {
    if (starts) readers.set(column, new ChunkReader(starts));
    const reader = readers.get(column) as ChunkReader;
    return reader.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch (error) {
    return { fault: (error as Error).message };
  }
}, listBuffers);

/** What is given away with a reply, not copied. */
function listBuffers(reply: PagesReply): ArrayBuffer[] {
  if ('fault' in reply) return [];
  return reply.pages.flatMap(({ bytes, starts, ends }) =>
    [bytes, starts, ends].map(({ buffer }) => buffer as ArrayBuffer),
  );
}
