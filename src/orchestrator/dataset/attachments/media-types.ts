/** What a file is, told by its first bytes: its name may say anything. */
import type { FileKind } from '../../../core/parts.ts';

export interface MediaType {
  readonly type: FileKind;
  readonly mediaType: string;
}

const kinds: readonly (MediaType & { isStart(start: Buffer): boolean })[] = [
  { type: 'image', mediaType: 'image/png', isStart: (start) => begins(start, '\x89PNG\r\n\x1a\n') },
  { type: 'image', mediaType: 'image/jpeg', isStart: (start) => begins(start, '\xff\xd8\xff') },
  {
    type: 'image',
    mediaType: 'image/gif',
    isStart: (start) => begins(start, 'GIF87a') || begins(start, 'GIF89a'),
  },
  {
    type: 'image',
    mediaType: 'image/webp',
    isStart: (start) => begins(start, 'RIFF') && begins(start.subarray(8), 'WEBP'),
  },
  { type: 'document', mediaType: 'application/pdf', isStart: (start) => begins(start, '%PDF-') },
];

function begins(bytes: Buffer, text: string): boolean {
  return bytes.subarray(0, text.length).equals(Buffer.from(text, 'latin1'));
}

/** What they are called where one is refused. */
export const knownTypes = 'PNG, JPEG, WebP, GIF and PDF';

/** undefined for a file of any other type. */
export function findMediaType(bytes: Buffer): MediaType | undefined {
  const found = kinds.find(({ isStart }) => isStart(bytes));
  return found && { type: found.type, mediaType: found.mediaType };
}

/** Of a file at an address, which nobody here has read: by the end of its path; an image where that says nothing. */
export function guessKind(url: URL): FileKind {
  return /\.pdf$/i.test(url.pathname) ? 'document' : 'image';
}
