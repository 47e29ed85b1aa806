/** The rows of a page as data, in blocks: the page parses only those that it shows or searches. */
import { jsonForScript } from './html.ts';

const blockCharacters = 64 * 1024;

/** Script elements of about this size. Memory does not grow with the rows. */
export async function* writeBlocks<Row>(
  rows: AsyncIterable<Row>,
  encode: (row: Row) => readonly unknown[],
): AsyncGenerator<string> {
  let block: string[] = [];
  let length = 0;
  const finish = () =>
    `<script type="application/json" class="row-data" data-rows="${block.length}">[${block.join(',\n')}]</script>\n`;
  for await (const row of rows) {
    const text = jsonForScript(encode(row));
    block.push(text);
    length += text.length;
    if (length < blockCharacters) continue;
    yield finish();
    block = [];
    length = 0;
  }
  if (block.length > 0) yield finish();
}
