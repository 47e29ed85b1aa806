/** The short selection of the fault suite; `npm run faults` is the long one, in which each command is a process. */
import { expect, test } from 'vitest';
import { builtInNames, providerEntry } from '../../../src/providers/registry.ts';
import { type SandboxOptions, sandboxKey, startSandbox } from '../../../src/sandbox/server.ts';
import { playSuite } from '../../faults/suite.mjs';
import { runInProcess } from '../../in-process.ts';

/** Other tests run beside it on few processors. */
const patienceMs = 10 * 60_000;

const host = {
  run: (args: readonly string[], place: { folder: string; environment: Record<string, string> }) =>
    runInProcess(args, { ...place, input: '' }),
  async startSandbox(options: SandboxOptions) {
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

test(
  'whatever fails, no row is lost, wrong or asked twice in batches, and no foreign file is touched',
  async () => {
    const report = await playSuite({ short: true, jobs: 3, host });
    const summary = report.summarize();
    expect(summary).toMatch(/^Rows lost: 0$/m);
    expect(summary).toMatch(/^Rows asked twice in batches: 0$/m);
    expect(summary).toMatch(/^Wrong rows: 0$/m);
    expect(summary).toMatch(/^Foreign files touched: 0$/m);
    expect(summary).not.toContain('not reached');
    expect(report.failures).toEqual([]);
  },
  patienceMs,
);
