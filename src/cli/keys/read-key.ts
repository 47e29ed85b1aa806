/** A key as a person gives it: typed without being shown, or through stdin. */
import { InterruptedError, LoomError } from '../../core/errors.ts';
import { decodeText } from '../../core/utf8.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** LoomError `key` when stdin holds more than any key, InterruptedError for Ctrl+C. */
export async function readGivenKey(title: string, terminal: Terminal, signal: AbortSignal): Promise<string> {
  if (!terminal.stdin.isTTY) return readPipedKey(terminal.stdin);
  terminal.stderr.write(`The key of ${title} (not shown, Enter ends it): `);
  try {
    return await readTypedKey(terminal.stdin, signal);
  } finally {
    terminal.stderr.write('\n');
  }
}

/** A file that was taken for a key is not read to its end. */
const mostBytes = 16 * 1024;

async function readPipedKey(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > mostBytes)
      throw new LoomError('key', 'what came through stdin is longer than any key.', {
        hint: 'Pass the key alone.',
      });
  }
  return decodeText(Buffer.concat(chunks));
}

/** In raw mode nothing is echoed, and the terminal neither edits nor interrupts: that is done here. */
async function readTypedKey(stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  let onData: (chunk: Buffer | string) => void = () => {};
  let onEnd: () => void = () => {};
  let onAbort: () => void = () => {};
  stdin.setRawMode(true);
  try {
    return await new Promise<string>((resolve, reject) => {
      const line = new HiddenLine();
      onData = (chunk) => {
        const outcome = line.type(String(chunk));
        if (outcome === 'interrupted') reject(new InterruptedError('SIGINT'));
        else if (outcome === 'ended') resolve(line.text);
      };
      onEnd = () => resolve(line.text);
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort);
      stdin.on('data', onData).on('end', onEnd).on('close', onEnd).resume();
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    stdin.off('data', onData).off('end', onEnd).off('close', onEnd).pause();
    stdin.setRawMode(false);
  }
}

/** What was typed so far, as a terminal would have edited it. */
class HiddenLine {
  text = '';

  /** What is typed behind the end of the line is not looked at. */
  type(keys: string): 'open' | 'ended' | 'interrupted' {
    for (const key of keys.replaceAll(escapeSequence, '')) {
      if (key === '\x03') return 'interrupted';
      if (key === '\r' || key === '\n' || key === '\x04') return 'ended';
      if (key === '\x7f' || key === '\b') this.text = [...this.text].slice(0, -1).join('');
      else if (key === '\x15') this.text = '';
      else this.text += key;
    }
    return 'open';
  }
}

/** Of arrows, and the marks around what is pasted. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys that are no characters begin with one
const escapeSequence = /\x1b(?:\[[\d;]*[A-Za-z~]|O[A-Z])/g;
