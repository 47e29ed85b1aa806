/**
 * How the text of an output is laid out: as somebody says, else as the run noted it, else as the file itself tells. What
 * the input had in another encoding is UTF-8 in the output.
 */
import type { FileType } from '../../core/models.ts';
import { findLayout } from '../../formats/find-layout.ts';
import { detectFormat, type InputFormat, type TextLayout } from '../../formats/format.ts';
import { recordedLayout, refuseForeign } from '../dataset/layout.ts';
import type { FoundOutput } from './find-output.ts';

/** Undefined where there is nothing to say of its format. LoomError `usage` for what is asked and says nothing of it. */
export async function findOutputLayout(
  { path, history }: FoundOutput,
  format: InputFormat,
  asked: TextLayout = {},
): Promise<TextLayout | undefined> {
  refuseForeign(path, format, asked);
  if (history) {
    const { delimiter, quoting, ...noted } = recordedLayout(history.layout);
    return {
      ...noted,
      delimiter: asked.delimiter ?? delimiter,
      quoting: asked.quoting ?? quoting,
      encoding: undefined,
    };
  }
  const isTable = format.fileType === 'csv' || format.fileType === 'tsv';
  return isTable ? findLayout(path, format, asked) : undefined;
}

/** As the run noted it, else by its name. */
export function typeOfOutput({ path, history }: FoundOutput): FileType {
  return history?.file_type ?? detectFormat(path).fileType;
}
