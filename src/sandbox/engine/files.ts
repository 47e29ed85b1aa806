/** Files in requests, in any vendor's form: the sandbox says of each what it is made of, so that a wrong byte is seen. */
import { hash } from 'node:crypto';
import { isObject } from '../http/http.ts';

/** What there is to say of a part that holds a file, or its address; undefined for any other part. */
export function describeFile(part: object): string | undefined {
  const { image_url, file, file_data, file_url, source, inlineData, fileData } = part as Record<
    string,
    unknown
  >;
  if (isObject(source))
    return source.type === 'url' ? atAddress(source.url) : fromBase64(source.media_type, source.data);
  if (isObject(inlineData)) return fromBase64(inlineData.mimeType, inlineData.data);
  if (isObject(fileData)) return atAddress(fileData.fileUri);
  if (isObject(file)) return fromAddress(file.file_data);
  return fromAddress((isObject(image_url) ? image_url.url : image_url) ?? file_data ?? file_url);
}

function fromAddress(address: unknown): string | undefined {
  if (typeof address !== 'string') return undefined;
  const [, mediaType, data] = /^data:([^;,]*);base64,(.*)$/s.exec(address) ?? [];
  return data === undefined ? atAddress(address) : fromBase64(mediaType, data);
}

function atAddress(address: unknown): string {
  return `[a file at ${address}]`;
}

function fromBase64(mediaType: unknown, data: unknown): string {
  const bytes = Buffer.from(String(data), 'base64');
  return `[${mediaType}, ${bytes.length} bytes, sha256 ${hash('sha256', bytes)}]`;
}
