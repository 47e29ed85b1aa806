/** How the text of an input is laid out, as a program says it. */
import { LoomError } from '../../core/errors.ts';
import { quoteValue } from '../../core/words.ts';
import type { TextLayout } from '../../formats/format.ts';
import type { InputOptions } from './options.ts';

/** Delimiters that are hard to write. */
const names: Readonly<Record<string, string>> = {
  comma: ',',
  semicolon: ';',
  tab: '\t',
  '\\t': '\t',
  bar: '|',
  pipe: '|',
};

/** Those that are words. */
export const delimiterNames: readonly string[] = ['comma', 'semicolon', 'tab', 'bar'];

export type LayoutOptions = Pick<InputOptions, 'delimiter' | 'quoting' | 'padRows' | 'encoding'>;

/** LoomError `usage` for what can't stand between two cells; a program without types may pass anything. */
export function describeLayout({ delimiter, quoting, padRows, encoding }: LayoutOptions): TextLayout {
  if (quoting !== undefined && quoting !== 'csv' && quoting !== 'none') {
    throw new LoomError('usage', `quoting can't be ${JSON.stringify(quoting)}.`, {
      hint: 'It is csv, or none where quotes are text.',
    });
  }
  return {
    delimiter: delimiter === undefined ? undefined : readDelimiter(delimiter),
    quoting: quoting === 'none' ? quoting : undefined,
    padRows: padRows || undefined,
    encoding,
  };
}

/** One character that is neither a part of words, nor has a meaning of its own in such a file. */
function readDelimiter(said: string): string {
  const delimiter = names[said.toLowerCase()] ?? said;
  if (/^[\t!#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]$/.test(delimiter)) return delimiter;
  throw new LoomError('usage', `${quoteValue(said)} can't stand between cells.`, {
    code: 'delimiter_invalid',
    facts: { delimiter: said },
    hint: 'Give one character, such as , or ; or |, or the word tab.',
  });
}
