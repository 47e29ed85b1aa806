/** Modules of the sources, for scripts: they are TypeScript, which Node.js 20 does not run. */
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** What a module exports, by its path in the project. */
export async function importSource(path) {
  const outfile = join(root, `dist/${basename(path, '.ts')}-${process.pid}.mjs`);
  await mkdir(join(root, 'dist'), { recursive: true });
  await build({
    entryPoints: [join(root, path)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(outfile);
  }
}
