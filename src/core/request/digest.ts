/** What tells texts apart in 32 bytes. */
import { hash } from 'node:crypto';

/** Takes the bytes of most texts: of a string `hash` makes them in three times the time. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);
const bytesPerUnit = 3;

/** sha256 of a text as UTF-8. */
export function digestText(text: string): Buffer {
  const fits = text.length * bytesPerUnit <= scratch.length;
  return hash('sha256', fits ? scratch.subarray(0, scratch.write(text)) : text, 'buffer');
}
