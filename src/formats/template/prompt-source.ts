/** Where the prompt of a row comes from, whatever the file type: the converters supply texts by name. */
import type { NamingOption } from '../../core/error-facts.ts';
import type { Row } from '../../core/models.ts';
import type { PromptSource } from '../format.ts';
import { parseTemplate } from './prompt-template.ts';

/** How a row's prompt is made, and what it attaches. */
export interface PromptRecipe {
  /** The columns or fields that it takes, each once: those of the prompt, then those of attachments. */
  readonly names: readonly string[];
  /** The option that asks for a name. */
  optionOf(name: string): NamingOption;
  /** What is asked, from their texts in the order of the names; the prompt is null when there is nothing to send. */
  compose(texts: readonly string[]): Pick<Row, 'prompt' | 'attached'>;
}

/** A text from the texts of its names. */
interface TextRecipe {
  readonly names: readonly string[];
  compose(texts: readonly string[]): string;
}

/** `attach` names columns or fields, or is a template where it holds `{{`. LoomError `usage` for a template that is none. */
export function readPromptSource(source: PromptSource, attach: readonly string[] = []): PromptRecipe {
  const option = optionOf(source);
  const prompt = 'column' in source ? readColumn(source.column) : readTemplate(source.template);
  const files = attach.map((text) => (text.includes('{{') ? readTemplate(text) : readColumn(text)));
  const names = [...new Set([...prompt.names, ...files.flatMap((file) => file.names)])];
  const own = prompt.names.length;
  const composePrompt = (texts: readonly string[]) =>
    own === 0 || texts.slice(0, own).some((text) => blankToNull(text) !== null)
      ? blankToNull(prompt.compose(texts))
      : null;
  if (files.length === 0)
    return { names, optionOf: () => option, compose: (texts) => ({ prompt: composePrompt(texts) }) };
  const places = files.map((file) => file.names.map((name) => names.indexOf(name)));
  const composeFiles = (texts: readonly string[]) =>
    files.map((file, index) => file.compose((places[index] as number[]).map((place) => texts[place] ?? '')));
  return {
    names,
    optionOf: (name) => (prompt.names.includes(name) ? option : 'attach'),
    compose: (texts) => {
      const attached = composeFiles(texts).join('\n');
      // What asks the same of every row is about its files: without one there is nothing to ask.
      const isAsked = own > 0 || blankToNull(attached) !== null;
      return { prompt: isAsked ? composePrompt(texts) : null, attached };
    },
  };
}

function readColumn(name: string): TextRecipe {
  return { names: [name], compose: ([text = '']) => text };
}

/** Whether it has to name something is for who has the option. */
function readTemplate(template: string): TextRecipe {
  const { names, fill } = parseTemplate(template, { maySayNoName: true });
  return { names, compose: fill };
}

/** The option that names columns or fields from this source. */
export function optionOf(source: PromptSource): 'col' | 'prompt' | 'messages' {
  if ('template' in source) return 'prompt';
  return source.holds === 'messages' ? 'messages' : 'col';
}

/** A prompt with something in it; null for one that is never sent. */
export function blankToNull(prompt: string): string | null {
  return /\S/.test(prompt) ? prompt : null;
}
