/** What rows ask that is more than their prompt: looked up right after they are read, by every pass over an input. */
import type { Row } from '../../../core/models.ts';
import type { AskedPart } from '../../../core/request/content.ts';
import type { AttachedFiles } from './attached-files.ts';

/** Puts what a row asks into it. LoomError `input` for an attachment that can't be sent. */
export async function lookUpContent(row: Row, files: AttachedFiles): Promise<void> {
  if (row.prompt === null || !row.attached) return;
  const parts: AskedPart[] = [{ type: 'text', text: row.prompt }];
  for (const line of row.attached.split('\n')) {
    const name = line.trim();
    if (name !== '') parts.push(await files.describe(name, row.index + 1));
  }
  if (parts.length > 1) row.content = { messages: [{ role: 'user', parts }] };
}
