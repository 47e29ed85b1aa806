/** `loom compare` reads of a Parquet file the columns that it compares by, and no other. */
import { parquetMetadata } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

/** An output of which the pages of these columns are no pages. */
function writeOutput(damaged: readonly string[]): Buffer {
  const columnData = [
    { name: 'id', data: ['a', 'b', 'c'] },
    { name: 'text', data: ['Good', 'Bad', 'Fine'] },
    { name: 'llm_response', data: ['good', 'bad', 'good'] },
    { name: 'llm_finish_reason', data: ['stop', 'stop', 'stop'] },
  ].map((column) => ({ ...column, type: 'STRING' as const }));
  const bytes = Buffer.from(parquetWriteBuffer({ columnData }));
  for (const { meta_data: chunk } of parquetMetadata(new Uint8Array(bytes).buffer).row_groups[0]?.columns ??
    []) {
    if (!chunk || !damaged.includes(chunk.path_in_schema.join())) continue;
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
    bytes.fill(0xff, start, start + Number(chunk.total_compressed_size));
  }
  return bytes;
}

test('columns that are not compared may be unreadable', async () => {
  await world.write('one.parquet', writeOutput(['text', 'llm_finish_reason']));
  await world.write('other.csv', 'id,llm_response,llm_model\nc,good,m\na,good,m\nb,good,m\n');
  const { stdout, code } = await world.loom('compare', 'one.parquet', 'other.csv');
  expect(code).toBe(0);
  expect(stdout).toContain('A and B');
});

test('those that are compared must be readable', async () => {
  await world.write('one.parquet', writeOutput(['id']));
  await world.write('other.csv', 'id,llm_response,llm_model\na,good,m\n');
  const { stderr, code } = await world.loom('compare', 'one.parquet', 'other.csv');
  expect(code).toBe(1);
  expect(stderr).toContain("one.parquet: this Parquet file can't be read");
});
