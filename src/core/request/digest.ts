/** What tells texts apart in 32 bytes. */
import { hash } from 'node:crypto';

/** Takes the bytes of most texts: of a string `hash` makes them in three times the time. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);
const bytesPerUnit = 3;
/** A character for each byte: to make a buffer `hash` takes twice the time, and memory of its own. */
const asBytes = 'binary';

/** sha256 of a text as UTF-8. */
export function digestText(text: string): Buffer {
  const fits = text.length * bytesPerUnit <= scratch.length;
  return Buffer.from(
    hash('sha256', fits ? scratch.subarray(0, scratch.write(text)) : text, asBytes),
    asBytes,
  );
}
