/** Our custom ids: valid at every provider, unique in a job, and proof of what was sent. */
import { createHash } from 'node:crypto';

const start = 'row-';
/** More digits than these make no whole number. */
const mostDigits = 15;
const fingerprintDigits = 8;

/** The part of a digest that stands in a custom id: its first 32 bits. */
export function fingerprintOf(digest: Buffer): number {
  return digest.readUInt32BE(0);
}

/** `row-<index>-<first 8 hex digits of sha256(content)>`. */
export function createCustomId(index: number, digest: Buffer): string {
  return `row-${index}-${fingerprintOf(digest).toString(16).padStart(fingerprintDigits, '0')}`;
}

/** What stands behind the custom id of a request that somebody else answers: of what asks alike it is the same. */
export function createAskedMark(asked: object): string {
  return `-${createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, fingerprintDigits)}`;
}

/** The custom id without the mark behind it, and that mark; undefined where it has none. */
export function splitAskedMark(customId: string): { id: string; mark: string } | undefined {
  const at = customId.length - fingerprintDigits - 1;
  const [id, mark] = [customId.slice(0, at), customId.slice(at)];
  return parseCustomId(id) && /^-[0-9a-f]+$/.test(mark) ? { id, mark } : undefined;
}

/** The parts of a custom id of ours, or undefined for any other. */
export function parseCustomId(customId: string): { index: number; fingerprint: number } | undefined {
  const end = customId.length - fingerprintDigits - 1;
  const digits = end - start.length;
  const isOfForm = customId.startsWith(start) && digits > 0 && digits <= mostDigits && customId[end] === '-';
  const isPadded = digits > 1 && customId[start.length] === '0';
  if (!isOfForm || isPadded) return undefined;
  const index = readDigits(customId, start.length, end, 10);
  const fingerprint = readDigits(customId, end + 1, customId.length, 16);
  return index === undefined || fingerprint === undefined ? undefined : { index, fingerprint };
}

/** The number that these digits write, the letters among them small; undefined where another character is among them. */
function readDigits(text: string, from: number, to: number, base: 10 | 16): number | undefined {
  let number = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    const digit = code <= 0x39 ? code - 0x30 : code - 0x61 + 10;
    if (digit < 0 || digit >= base || (code > 0x39 && code < 0x61)) return undefined;
    number = number * base + digit;
  }
  return number;
}
