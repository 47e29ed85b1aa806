/** Writes the request files and id maps of a job's parts, a row at a time, starting a new part when one is full. */

import type { Row } from '../../../core/models.ts';
import type { AskedContent } from '../../../core/parts.ts';
import type { PromptRequest } from '../../../core/request/content.ts';
import type { BatchLimits, BatchProvider } from '../../../providers/provider.ts';
import { idMapPath, removeRequestFiles, requestFilePath } from '../../../state/job-files.ts';
import type { JobPart } from '../../../state/jobs.ts';
import { type BufferedFile, openBufferedFile } from '../../../storage/buffered-file.ts';
import type { LoomHome } from '../../../storage/home.ts';
import type { AttachedFiles } from '../../dataset/attachments/attached-files.ts';
import { PartCutter } from './part-cutter.ts';
import { openRequestEncoder } from './request-encoder.ts';

/** A line of an id map, without the comma and line end before it. */
export function formatIdMember(customId: string, rowId: string): string {
  return `    ${JSON.stringify(customId)}: ${JSON.stringify(rowId)}`;
}

export interface PartWriter {
  add(row: Row, request: PromptRequest<AskedContent>): Promise<void> | undefined;
  finish(): Promise<JobPart[]>;
  /** Removes every file that was written. */
  discard(): Promise<void>;
}

/** A writer for one job; `add` is called once per row that has a prompt, in order. A row that is too large to be sent is left out. */
export function createPartWriter(
  home: LoomHome,
  jobId: string,
  provider: BatchProvider,
  limits: BatchLimits,
  files?: AttachedFiles,
): PartWriter {
  const { framing } = provider;
  const encode = openRequestEncoder(provider, files);
  const cutter = new PartCutter(framing, limits);
  const parts: JobPart[] = [];
  let current: OpenPart | undefined;

  async function start(): Promise<OpenPart> {
    if (current) await close(current);
    const part = parts.length + 1;
    current = await openPart(
      requestFilePath(home, jobId, { part }),
      idMapPath(home, jobId, { part }),
      framing.before,
    );
    parts.push({ part, state: 'planned', tag: `loom-${jobId}-${part}`, requests: 0, bytes: 0 });
    return current;
  }

  async function close(open: OpenPart): Promise<void> {
    open.requests.write(framing.after);
    await open.requests.close();
    await open.ids.close();
  }

  /** The line is a copy: the next request is encoded in the same place. */
  async function addToNewPart(line: Buffer, member: string): Promise<void> {
    const open = await start();
    await write(open, line, member);
  }

  function write(open: OpenPart, line: Buffer, member: string): Promise<void> | undefined {
    const part = parts.at(-1) as JobPart;
    const first = part.requests === 0;
    if (!first) open.requests.write(framing.between);
    open.requests.write(line);
    open.ids.write(first ? member : `,\n${member}`);
    part.requests = cutter.requests;
    part.bytes = cutter.bytes;
    return open.requests.drain() ?? open.ids.drain();
  }

  function place(line: Buffer, member: string): Promise<void> | undefined {
    const where = cutter.place(line.length);
    if (where === 'no_part') return;
    return where === 'last_part' && current
      ? write(current, line, member)
      : addToNewPart(Buffer.from(line), member);
  }

  return {
    add(row, request) {
      const line = encode(request);
      const member = formatIdMember(request.customId, row.id);
      return line instanceof Promise ? line.then((bytes) => place(bytes, member)) : place(line, member);
    },
    async finish() {
      if (current) await close(current);
      return parts;
    },
    async discard() {
      await current?.requests.abandon();
      await current?.ids.abandon();
      for (const part of parts) await removeRequestFiles(home, jobId, part);
    },
  };
}

interface OpenPart {
  readonly requests: BufferedFile;
  readonly ids: BufferedFile;
}

async function openPart(requestsPath: string, idsPath: string, before: string): Promise<OpenPart> {
  const requests = await openBufferedFile(requestsPath);
  const ids = await openBufferedFile(idsPath);
  requests.write(before);
  return { requests, ids };
}
