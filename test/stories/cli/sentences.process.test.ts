/** The two names of the program, and a reader that goes away. */
import { beforeEach, expect, test } from 'vitest';
import packageInfo from '../../../package.json' with { type: 'json' };
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  await world.write('data.csv', 'id,text\n007,Hello\n008,World\n');
});

test('loom-batch is the same program as loom', async () => {
  expect(await world.shell('loom-batch --help')).toEqual(await world.shell('loom --help'));
  expect(await world.shell('loom-batch --version')).toEqual({
    code: 0,
    stdout: `${packageInfo.version}\n`,
    stderr: '',
  });
  expect((await world.shell('loom-batch list')).stdout).toBe('No batches stored under ~/.loom/batches/.\n');
});

test('may be cut off: a closed pipe is no error', async () => {
  const record = {
    ...{ provider: 'openai', model: 'm', original_file_path: '/data.csv', file_type: 'csv' },
    ...{ prompt_column: 'text', id_map: {}, created_at: '2026-01-01T00:00:00Z', status: 'validating' },
  };
  // More than a pipe holds.
  for (let index = 0; index < 400; index += 1) {
    const id = `batch_${'0'.repeat(200)}${index}`;
    await world.writeState(`batches/openai_${id}.json`, JSON.stringify({ ...record, batch_id: id }));
  }
  const piped = await world.shell('{ loom list; echo "exit $?" >&2; } | head -1');
  expect(piped.stdout).toMatch(/^batch_id +provider +model +status +created_at +file\n$/);
  expect(piped.stderr).toBe('exit 0\n');
  const closed = await world.shell('loom --help >&-; echo "exit $?"');
  expect(closed.stdout).toBe('exit 0\n');
});
