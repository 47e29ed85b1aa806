/** What a piece of a column claims is bounded ahead of any room that is made for it. */
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { expect, test } from 'vitest';
import { type ChunkOrder, ChunkReader } from '../../../src/formats/parquet/chunk.ts';

test('a page of a few bytes that claims more nulls than any writer puts into one is refused', () => {
  const claimed = 2 ** 27 + 1;
  const levels = Buffer.from([0x82, 0x80, 0x80, 0x80, 0x01, 0]);
  const header = new ByteWriter();
  writePageHeader(header, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.length,
    compressed_page_size: levels.length,
    data_page_header_v2: {
      num_values: claimed,
      num_nulls: claimed,
      num_rows: claimed,
      encoding: 'PLAIN',
      definition_levels_byte_length: levels.length,
      repetition_levels_byte_length: 0,
      is_compressed: false,
    },
  });
  const bytes = Buffer.concat([header.getBytes(), levels]);
  const element = { name: 'text', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' };
  const column = { element, children: [], count: 1, path: ['text'] };
  const order = {
    chunk: {
      type: 'BYTE_ARRAY',
      path_in_schema: ['text'],
      codec: 'UNCOMPRESSED',
      total_compressed_size: BigInt(bytes.length),
      total_uncompressed_size: BigInt(bytes.length),
    },
    schemaPath: [{ element: { name: 'root' }, children: [column] }, column],
    rows: 2 ** 30,
  } as unknown as ChunkOrder;
  expect(() => new ChunkReader(order).read(bytes)).toThrow("a page tells a number of values that can't be");
});
