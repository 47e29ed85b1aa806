import { configDefaults, defineConfig } from 'vitest/config';

// cron, systemd and containers are no part of Windows.
const unixOnly = ['test/recipes/**'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: process.platform === 'win32' ? [...configDefaults.exclude, ...unixOnly] : configDefaults.exclude,
    // Most tests wait for processes of their own.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
