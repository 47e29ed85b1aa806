/**
 * Sandboxes within the suite's own process, each on a port of its own: the same module that `loom sandbox` serves with,
 * bundled once. A process for each would take a fifth of the suite's time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const source = `
export { startSandbox, sandboxKey } from './src/sandbox/server.ts';
export { builtInNames, providerEntry } from './src/providers/registry.ts';`;

/** A host as `runWithin` takes it, for sandboxes alone. */
export async function openSandboxHost() {
  const { startSandbox, sandboxKey, builtInNames, providerEntry } = await bundle();
  return {
    async startSandbox(options) {
      const { origin, baseUrlOf, close } = await startSandbox({ ...options, countPrompts: true });
      const variables = builtInNames.flatMap((name) => {
        const { keyVariable, baseUrlVariable } = providerEntry(name);
        return [
          [baseUrlVariable, baseUrlOf(name)],
          [keyVariable, sandboxKey],
        ];
      });
      return { origin, close, environment: Object.fromEntries(variables) };
    },
  };
}

/** What loads an SDK stays in chunks that nobody asks for. */
async function bundle() {
  const outdir = await mkdtemp(join(tmpdir(), 'loom-faults-host-'));
  try {
    await build({
      stdin: { contents: source, resolveDir: resolve(import.meta.dirname, '../..'), sourcefile: 'host.ts' },
      external: ['openai', '@anthropic-ai/sdk', '@google/genai'],
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      outdir,
      outExtension: { '.js': '.mjs' },
    });
    return await import(pathToFileURL(join(outdir, 'stdin.mjs')).href);
  } finally {
    await rm(outdir, { recursive: true });
  }
}
