/**
 * How the text of an input is laid out. It is settled before anything else is done with it: a job is merged as it was
 * submitted, whatever a later build would find.
 */

import type { LayoutOption } from '../../core/error-facts.ts';
import { LoomError } from '../../core/errors.ts';
import type { FileType, LayoutFields } from '../../core/models.ts';
import { type InputFormat, type TextLayout, traitsOf } from '../../formats/format.ts';
import type { DatasetOrder } from './dataset-order.ts';

export const usualDelimiter = ',';

/**
 * The layout of an input, with what nobody says found at its start. LoomError `usage` for what says nothing of a file of its
 * format; throws as a reader does. Tells once of an encoding that the output does not have.
 */
export async function settleLayout(
  dataset: DatasetOrder,
  asked: TextLayout,
): Promise<TextLayout | undefined> {
  const { path, format, onRemark } = dataset;
  refuseForeign(path, format, asked);
  if (format.fileType === 'parquet') return undefined;
  const { findLayout } = await import('../../formats/find-layout.ts');
  const layout = await findLayout(path, format, asked);
  const { encoding } = layout;
  if (encoding !== undefined)
    onRemark?.({
      message: `${path} is in ${encoding}; what is written of it is in UTF-8, with a byte order mark.`,
    });
  return layout;
}

/** Options that say nothing of a file of this format. */
function listForeign(fileType: FileType): LayoutOption[] {
  const options: LayoutOption[] = [];
  if (fileType === 'parquet') options.push('encoding');
  if (fileType !== 'csv') options.push('delimiter');
  if (fileType !== 'csv' && fileType !== 'tsv') options.push('quoting', 'padRows');
  return options;
}

/** What is asked, without what says nothing of a file of this format; the same object where all of it does. */
export function fittingLayout(fileType: FileType, asked: TextLayout): TextLayout {
  const foreign = listForeign(fileType).filter((name) => asked[name]);
  if (foreign.length === 0) return asked;
  return { ...asked, ...Object.fromEntries(foreign.map((name) => [name, undefined])) };
}

/** LoomError `usage` for an option that says nothing of a file of this format. */
export function refuseForeign(path: string, { fileType }: InputFormat, asked: TextLayout): void {
  const option = listForeign(fileType).find((name) => asked[name]);
  if (option === undefined) return;
  const { title } = traitsOf(fileType);
  throw new LoomError('usage', `${option} says nothing of ${title}, and ${path} is a ${title} file.`, {
    code: 'layout_refused',
    facts: { option, path, title },
    hint:
      fileType === 'tsv'
        ? 'Its cells have tabs between them; a file with others is called .csv.'
        : 'Leave it out.',
  });
}

/** As records hold it: what is as usual is left out, so that a record of a plain file has none. */
export function recordLayout({
  delimiter = usualDelimiter,
  sepLine = false,
  quoting,
  padRows = false,
  encoding,
}: TextLayout = {}): LayoutFields | undefined {
  const layout: LayoutFields = {
    ...(delimiter !== usualDelimiter && { delimiter }),
    ...(sepLine && { sep_line: true }),
    ...(quoting && { quoting }),
    ...(padRows && { pad_rows: true }),
    ...(encoding !== undefined && { encoding }),
  };
  return Object.keys(layout).length > 0 ? layout : undefined;
}

/** What a record without a layout is about has commas: older builds knew nothing else. */
export function recordedLayout({
  delimiter = usualDelimiter,
  sep_line: sepLine = false,
  quoting,
  pad_rows: padRows,
  encoding,
}: LayoutFields = {}): TextLayout {
  return { delimiter, sepLine, quoting, padRows, encoding };
}
