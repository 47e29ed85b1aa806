/** Prompt templates: text with `{{name}}` wherever the text of a column or field goes. */
import { LoomError } from '../../core/errors.ts';
import { quoteValue } from '../../core/words.ts';

export interface PromptTemplate {
  /** Each once, in the order in which they appear first. */
  readonly names: readonly string[];
  /** The template with these texts, one per name, in their places: as they are, whatever they hold. */
  fill(texts: readonly string[]): string;
}

/** A backslash before `{{` takes its meaning away, two stand for a backslash; or a name in braces. */
const marks = /\\\\(?=\{\{)|\\\{\{|\{\{([^{}]*)\}\}/g;

/** What a template is for: the option that has it, and whether it may say the same for every row. */
interface TemplateUse {
  readonly option?: 'prompt' | 'attach';
  readonly maySayNoName?: boolean;
}

/** LoomError `usage` when it has no placeholder, where it needs one, or braces that make none. */
export function parseTemplate(
  template: string,
  { maySayNoName = false, option = 'prompt' }: TemplateUse = {},
): PromptTemplate {
  const names: string[] = [];
  /** Text as it is, and names by their number. */
  const pieces: (string | number)[] = [];
  let end = 0;
  for (const { 0: mark, 1: name, index } of template.matchAll(marks)) {
    pieces.push(checkPlainText(template.slice(end, index), option));
    pieces.push(name === undefined ? mark.slice(1) : numberOf(names, name.trim()));
    end = index + mark.length;
  }
  pieces.push(checkPlainText(template.slice(end), option));
  if (names.length === 0 && !maySayNoName) throw noPlaceholderError(template);
  return {
    names,
    fill: (texts) => pieces.map((piece) => (typeof piece === 'number' ? texts[piece] : piece)).join(''),
  };
}

function numberOf(names: string[], name: string): number {
  const known = names.indexOf(name);
  return known === -1 ? names.push(name) - 1 : known;
}

/** A mistyped placeholder must not go out as text with every row. */
function checkPlainText(text: string, option: 'prompt' | 'attach'): string {
  const start = text.indexOf('{{');
  if (start === -1) return text;
  const found = quoteValue(text.slice(start));
  throw new LoomError('usage', `${option}: ${found} does not begin a placeholder.`, {
    code: 'placeholder_broken',
    facts: { found, option },
    hint: 'Write a name as {{name}}, and \\{{ for the braces themselves.',
  });
}

/** Other programs have names in single braces. */
function noPlaceholderError(template: string): LoomError {
  const [, name] = /\{\s*([^{}\s][^{}]*?)\s*\}/.exec(template.replaceAll('\\{{', '')) ?? [];
  return new LoomError('usage', 'prompt has no placeholder: every row would ask the same.', {
    code: 'placeholder_missing',
    facts: {},
    hint:
      name === undefined
        ? 'Name a column or field in it, as in "Summarize {{text}}".'
        : `A name stands in two pairs of braces: {{${name}}}.`,
  });
}
