/** Commands within the test's process. */
import { Readable, Writable } from 'node:stream';
import { main } from '../src/cli/main.ts';
import { createContext } from '../src/cli/options/context.ts';
import type { Ended } from './program.ts';

/** What is on stdin: at once, or as it comes. */
export type Input = string | Buffer | AsyncIterable<string | Buffer>;

interface Place {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** What `src/cli/start.ts` does, without the signals. */
export function runWithStreams(
  args: readonly string[],
  { folder, environment }: Place,
  streams: Record<'stdin' | 'stdout' | 'stderr', Readable | Writable>,
): Promise<number> {
  const context = createContext(args, {
    ...(streams as unknown as Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr'>),
    // As of now, as for a process.
    environment: { ...environment },
    workingFolder: folder,
    signal: new AbortController().signal,
  });
  return main(args, context);
}

/** The same with streams in memory, or others in place of some. */
export async function runInProcess(
  args: readonly string[],
  place: Place & { readonly input: Input },
  others: { readonly stdout?: Writable; readonly stderr?: Writable } = {},
): Promise<Ended> {
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  const stdin = Readable.from(readChunks(place.input));
  const code = await runWithStreams(args, place, { stdin, stdout, stderr, ...others });
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
