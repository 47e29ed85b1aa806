/** Counts how often files are opened to be read, by whatever way Node.js has for it, while something runs in this process. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** How often each file was opened, by its path. */
export async function countOpens(work: () => Promise<unknown>): Promise<ReadonlyMap<string, number>> {
  const opens = new Map<string, number>();
  const restores = [
    watch(fs, 'openSync', opens),
    watch(fs, 'readFileSync', opens),
    watch(fs, 'createReadStream', opens),
    watch(fs.promises, 'open', opens),
    watch(fs.promises, 'readFile', opens),
  ];
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    for (const restore of restores) restore();
    syncBuiltinESMExports();
  }
  return opens;
}

type Opener = (path: unknown, ...rest: unknown[]) => unknown;

function watch<Name extends string>(
  module: Record<Name, unknown>,
  name: Name,
  opens: Map<string, number>,
): () => void {
  const open = module[name] as Opener;
  const counted: Opener = (path, ...rest) => {
    const isOpen = (rest[0] as { readonly fd?: unknown } | undefined)?.fd !== undefined;
    if (typeof path === 'string' && !isOpen) opens.set(path, (opens.get(path) ?? 0) + 1);
    return open(path, ...rest);
  };
  module[name] = counted as never;
  return () => {
    module[name] = open as never;
  };
}
