/** `loom` for scripts, which runs within the test's process: a shell starts it in a tenth of the time of the program. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInProcess } from './in-process.ts';

export interface LoomHost {
  /** What a file of sh says that is such a `loom`. */
  readonly script: string;
  close(): Promise<void>;
}

/**
 * The script sends its folder, arguments and environment, and what it reads where that is asked for (`-`); it gets back
 * the code, and both outputs as files. Signals don't reach the command, and none of its output comes before its end.
 */
export async function startLoomHost(): Promise<LoomHost> {
  const shelf = await mkdtemp(join(tmpdir(), 'loom-host-'));
  let calls = 0;
  const server = createServer(async (socket) => {
    calls += 1;
    const path = join(shelf, String(calls));
    socket.on('error', () => {});
    const { folder, args, environment, inputPath } = await readCall(socket);
    const input = inputPath === '' ? '' : await readFile(inputPath);
    const { code, stdout, stderr } = await runInProcess(args, { folder, environment, input });
    await writeFile(`${path}.out`, stdout);
    await writeFile(`${path}.err`, stderr);
    socket.end(`${path} ${code}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    script: `exec bash -c '
      input=
      case " $* " in *" - "*) input=$(mktemp) && cat > "$input" ;; esac
      exec 3<> /dev/tcp/127.0.0.1/${(server.address() as AddressInfo).port}
      { printf "%s\\0" "$PWD" "$input" $# "$@"; env -0; printf "\\0"; } >&3
      read -r path code <&3
      cat "$path.out"
      cat "$path.err" >&2
      [ -z "$input" ] || rm -f "$input"
      exit "$code"' loom "$@"`,
    async close() {
      await new Promise((resolve) => server.close(resolve));
      await rm(shelf, { recursive: true, force: true });
    },
  };
}

interface Call {
  readonly folder: string;
  /** Empty where nothing is read. */
  readonly inputPath: string;
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
}

async function readCall(socket: Socket): Promise<Call> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk;
    const [folder = '', inputPath = '', count = '', ...rest] = text.split('\0');
    // The last of the variables is an empty one, and ends in a zero itself.
    if (rest.length < Number(count) + 2 || !text.endsWith('\0\0')) continue;
    const variables = rest.slice(Number(count), -2).map((variable) => {
      const at = variable.indexOf('=');
      return [variable.slice(0, at), variable.slice(at + 1)];
    });
    const args = rest.slice(0, Number(count));
    return { folder, inputPath, args, environment: Object.fromEntries(variables) };
  }
  throw new Error('A command went away before it was read.');
}
