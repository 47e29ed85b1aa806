/** Where the prompt of a row comes from, whatever the file type: the converters supply texts by name. */
import { blankToNull } from './rows.ts';

/** The column (in tables) or field (in JSON) that holds the prompt. */
export interface PromptSource {
  readonly column: string;
}

/** How a row's prompt is made. */
export interface PromptRecipe {
  /** The columns or fields that it takes. */
  readonly names: readonly string[];
  /** The prompt from their texts, in the order of the names; null when there is nothing to send. */
  compose(texts: readonly string[]): string | null;
}

export function readPromptSource(source: PromptSource): PromptRecipe {
  return { names: [source.column], compose: ([text = '']) => blankToNull(text) };
}
