/** The short selection of the fault suite; `npm run faults` is the long one. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const suite = join(import.meta.dirname, '../../faults/main.mjs');

/** Other tests run beside it on few processors. */
const patienceMs = 10 * 60_000;

function runSuite(...flags: string[]): Promise<{ code: number | null; report: string }> {
  const child = spawn(process.execPath, [suite, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patienceMs - 5_000,
  });
  let report = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      report += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, report }));
  });
}

test(
  'whatever fails, no row is lost, wrong or asked twice in batches, and no foreign file is touched',
  async () => {
    const { code, report } = await runSuite('--short', '--jobs', '4');
    expect(report).toMatch(/^Rows lost: 0$/m);
    expect(report).toMatch(/^Rows asked twice in batches: 0$/m);
    expect(report).toMatch(/^Wrong rows: 0$/m);
    expect(report).toMatch(/^Foreign files touched: 0$/m);
    expect({ code, report }).toMatchObject({ code: 0 });
  },
  patienceMs,
);
