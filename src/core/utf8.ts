/** Text as bytes: which encoding they are in, and where they stop being UTF-8. */
import { isUtf8 } from 'node:buffer';

/**
 * A small text that a person wrote, in the encoding that its byte order mark tells, which is left out; UTF-8 without one.
 * What is no character becomes U+FFFD, or is a TypeError if it is `fatal`. Shells of Windows write UTF-16.
 */
export function decodeText(bytes: Uint8Array, { fatal = false } = {}): string {
  const [first, second] = bytes;
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const encoding = !isWide ? 'utf-8' : first === 0xff ? 'utf-16le' : 'utf-16be';
  return new TextDecoder(encoding, { fatal }).decode(bytes);
}

/** The length of the bytes up to their last whole character; the one to three bytes of a cut one are left out. */
export function wholeCharactersLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return back < characterLength(byte) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function characterLength(leadByte: number): number {
  if (leadByte >= 0xf0) return 4;
  return leadByte >= 0xe0 ? 3 : 2;
}

/** The length of the part before the first byte that is not UTF-8; the whole length when all of it is. */
export function validLength(bytes: Buffer): number {
  if (isUtf8(bytes)) return bytes.length;
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const head = bytes.subarray(0, middle);
    if (isUtf8(head.subarray(0, wholeCharactersLength(head)))) good = middle;
    else bad = middle;
  }
  return wholeCharactersLength(bytes.subarray(0, good));
}
