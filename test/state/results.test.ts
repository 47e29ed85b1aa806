import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { indexResults, keepResults } from '../../src/state/results.ts';
import { openDiskStore } from '../../src/storage/disk-store.ts';

/** The files that this process has open. */
function listOpenFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((number) => {
    try {
      return [readlinkSync(`/proc/self/fd/${number}`)];
    } catch {
      return [];
    }
  });
}

test.skipIf(process.platform !== 'linux')(
  'results of which a file is missing leave no other one open',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'loom-results-'));
    const path = join(folder, 'part.jsonl');
    const results = openDiskStore(folder);
    await keepResults(
      { results, ensureHeld: async () => {} },
      'part.jsonl',
      (async function* () {
        yield [{ customId: 'row-0-00000000', outcome: 'succeeded', text: 'x' } as const];
      })(),
      { slotOf: () => 0, isTrusted: true },
    );
    await expect(indexResults(results, ['part.jsonl', 'missing.jsonl'], () => 0)).rejects.toThrow(
      /missing\.jsonl/,
    );
    expect(listOpenFiles()).not.toContain(path);
    const index = await indexResults(results, ['part.jsonl'], () => 0);
    expect(listOpenFiles()).toContain(path);
    await index.close();
    expect(listOpenFiles()).not.toContain(path);
    rmSync(folder, { recursive: true });
  },
);
