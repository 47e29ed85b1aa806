/** How the text of a file is laid out, told by its start. */
import { findDialect } from './csv/find-dialect.ts';
import type { InputFormat, TextLayout } from './format.ts';
import { readEncoding } from './text/encodings.ts';
import { TextSource } from './text/text-source.ts';

/**
 * What is asked, with all that it leaves open and the file tells; the encoding is undefined for UTF-8. Of a tab-separated file the delimiter
 * stays undefined: its name says it. LoomError `usage` for what can't be, `input` for a file that is none.
 */
export async function findLayout(path: string, format: InputFormat, asked: TextLayout): Promise<TextLayout> {
  const { fileType } = format;
  const layout = { ...asked, encoding: asked.encoding && readEncoding(asked.encoding) };
  const source = new TextSource(path, format, { layout });
  for await (const _ of source.readChunks(() => 'at its start')) break;
  const { encoding } = source;
  if (fileType !== 'csv' && fileType !== 'tsv') return { ...layout, encoding };
  const { delimiter, hasSepLine: sepLine } = findDialect(source.start, fileType, layout);
  return { ...layout, ...(fileType === 'csv' && { delimiter: delimiter.text, sepLine }), encoding };
}
