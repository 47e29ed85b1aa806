import { pathToFileURL } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

/** Tests of the built program as a process. */
const processes = ['test/**/*.process.test.ts'];
/** Whole services and browsers, and copies of the project. */
const slow = [
  'test/recipes/docker.test.ts',
  'test/stories/**/{add-provider,faults,report-page,compare-page}.test.ts',
];
/** Commands, recipes, adapters and the sandbox, against servers of the tests' own. */
const stories = ['test/{stories,recipes,providers,sandbox}/**/*.test.ts'];
/** cron, systemd and containers are no part of Windows. */
const left = process.platform === 'win32' ? ['test/recipes/**'] : [];

/** A group of test files; a file belongs to one. */
const group = (name: string, include: string[], others: string[] = []) => ({
  extends: true as const,
  test: { name, include, exclude: [...configDefaults.exclude, ...others, ...left] },
});

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
    projects: [
      group('unit', ['test/**/*.test.ts'], [...stories, ...processes, ...slow]),
      group('stories', stories, [...processes, ...slow]),
      group('process', processes),
      group('slow', slow),
    ],
    // Two for each processor that CI has: stories wait as often as they work.
    maxWorkers: 4,
    // Each process loads the program once, for all of its files.
    isolate: false,
    // What is compiled for one group is there for the others, and for the next run.
    experimental: { fsModuleCache: true },
    // Whole programs, servers and terminals are tested, and a machine of others may stand still for seconds.
    retry: process.env.CI ? 2 : 0,
    // For a machine that does much else meanwhile: no test is about how long it takes.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
