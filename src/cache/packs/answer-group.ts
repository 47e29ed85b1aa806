/**
 * Answers on their way to the thread that packs them, in one piece of memory: it is handed over, where objects would be
 * copied twice. Each has its key, the length of its body, and the body as packs have it.
 */
import type { Answer } from '../../core/models.ts';
import { answerText } from './pack-format.ts';

const digestBytes = 32;
const headBytes = digestBytes + 4;

export interface GroupedAnswer {
  /** 32 bytes. */
  readonly key: Buffer;
  readonly body: Buffer;
}

export function encodeGroup(
  answers: readonly { readonly key: Buffer; readonly answer: Answer }[],
): Uint8Array<ArrayBuffer> {
  const bodies = answers.map(({ answer }) => answerText(answer));
  const size = bodies.reduce((sum, body) => sum + headBytes + Buffer.byteLength(body), 0);
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const [index, { key }] of answers.entries()) {
    const length = bytes.write(bodies[index] as string, at + headBytes);
    key.copy(bytes, at);
    bytes.writeUInt32LE(length, at + digestBytes);
    at += headBytes + length;
  }
  return bytes;
}

export function* decodeGroup(group: Uint8Array<ArrayBuffer>): Generator<GroupedAnswer> {
  const bytes = Buffer.from(group.buffer, group.byteOffset, group.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const bodyStart = at + headBytes;
    const end = bodyStart + bytes.readUInt32LE(at + digestBytes);
    yield { key: bytes.subarray(at, at + digestBytes), body: bytes.subarray(bodyStart, end) };
    at = end;
  }
}
