/** Where the prompt of a row comes from, whatever the file type: the converters supply texts by name. */
import type { PromptSource } from '../format.ts';
import { parseTemplate } from './prompt-template.ts';

/** How a row's prompt is made. */
export interface PromptRecipe {
  /** The columns or fields that it takes. */
  readonly names: readonly string[];
  /** The prompt from their texts, in the order of the names; null when there is nothing to send. */
  compose(texts: readonly string[]): string | null;
}

/** LoomError `usage` for a template that is none. */
export function readPromptSource(source: PromptSource): PromptRecipe {
  if ('column' in source) {
    return { names: [source.column], compose: ([text = '']) => blankToNull(text) };
  }
  const { names, fill } = parseTemplate(source.template);
  return {
    names,
    compose: (texts) => (texts.some((text) => blankToNull(text) !== null) ? fill(texts) : null),
  };
}

/** The option that names columns or fields from this source. */
export function optionOf(source: PromptSource): 'col' | 'prompt' {
  return 'column' in source ? 'col' : 'prompt';
}

/** A prompt with something in it; null for one that is never sent. */
export function blankToNull(prompt: string): string | null {
  return /\S/.test(prompt) ? prompt : null;
}
