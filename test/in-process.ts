/** Commands within the test's process. */
import { Readable, Writable } from 'node:stream';
import { main } from '../src/cli/main.ts';
import { createContext } from '../src/cli/options/context.ts';
import type { Ended } from './program.ts';

/** What is on stdin: at once, or as it comes. */
export type Input = string | Buffer | AsyncIterable<string | Buffer>;

/** What `src/cli/index.ts` does, with streams in memory and without the signals. */
export async function runInProcess(
  args: readonly string[],
  place: {
    readonly folder: string;
    readonly environment: NodeJS.ProcessEnv;
    readonly input: Input;
  },
): Promise<Ended> {
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  const context = createContext(args, {
    stdin: Readable.from(readChunks(place.input)) as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    // As of now, as for a process.
    environment: { ...place.environment },
    workingFolder: place.folder,
    signal: new AbortController().signal,
  });
  const code = await main(args, context);
  return { code, stdout: stdout.text(), stderr: stderr.text().replaceAll(progressLine, '') };
}

/** Told every ten seconds, for which a machine of others may stand still; it has tests of its own. */
const progressLine = /^(Generating|Counting tokens) \d+\/\d+ .*\n/gm;

async function* readChunks(input: Input): AsyncGenerator<Buffer> {
  const chunks = typeof input === 'string' || Buffer.isBuffer(input) ? [input] : input;
  for await (const chunk of chunks) if (chunk.length > 0) yield Buffer.from(chunk);
}

/** Takes what is written to it, as a pipe does. */
class TextSink extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
