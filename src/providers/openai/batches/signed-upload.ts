/** An upload in two steps: the vendor is asked for an address, which is signed, and the bytes go there. */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { ProviderError } from '../../../core/errors.ts';
import type { Call } from '../../call.ts';
import type { VendorConnection } from '../../connection.ts';
import { checkId } from '../../protocol/batch-calls.ts';
import { unreadableAnswer } from '../../protocol/refusal.ts';

/**
 * As Together's own SDKs do it. Their checksum is left out: with it an upload of the same bytes is refused. The key goes to
 * the vendor alone. Gives the id of the file.
 */
export async function uploadSigned(
  call: Call,
  { apiKey, baseUrl }: VendorConnection,
  path: string,
  purpose: string,
): Promise<string> {
  const bytes = await openAsBlob(path);
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const body = new URLSearchParams({ purpose, file_name: basename(path), file_type: 'jsonl' });
  const asked = await call.fetch(`${baseUrl}/files`, { method: 'POST', redirect: 'manual', headers, body });
  const address = asked.headers.get('location') ?? '';
  const fileId = asked.headers.get('x-together-file-id') ?? '';
  if (!address || !fileId || !URL.canParse(address, baseUrl))
    throw unreadableAnswer('it names no address for the upload');
  const target = new URL(address, baseUrl);
  if (target.protocol !== 'https:' && new URL(baseUrl).protocol === 'https:')
    throw new ProviderError('run', 'insecure_upload', 'The address for the upload is not a https address.');
  const type = { 'content-type': 'application/octet-stream' };
  await call.fetch(target.href, { method: 'PUT', headers: type, body: bytes });
  await call.fetch(`${baseUrl}/files/${encodeURIComponent(checkId(fileId))}/preprocess`, {
    method: 'POST',
    headers,
  });
  return fileId;
}
