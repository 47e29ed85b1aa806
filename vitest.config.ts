import { pathToFileURL } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

// cron, systemd and containers are no part of Windows.
const unixOnly = ['test/recipes/**'];

/** Threads and page scripts are bundles, which the sources look for beside themselves: here they are those of dist/. */
const builtChunks = {
  name: 'built-chunks',
  transform(code: string, path: string) {
    if (!/[\\/]src[\\/].*\.ts$/.test(path) || !code.includes('import.meta.url')) return undefined;
    const chunks = pathToFileURL('dist/chunks/main.js').href;
    return { code: code.replaceAll('import.meta.url', JSON.stringify(chunks)), map: null };
  },
};

export default defineConfig({
  plugins: [builtChunks],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: process.platform === 'win32' ? [...configDefaults.exclude, ...unixOnly] : configDefaults.exclude,
    // Most tests wait for processes of their own.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
