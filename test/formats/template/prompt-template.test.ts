/** What a prompt template makes of the texts that are filled into it. */
import { describe, expect, it } from 'vitest';
import { LoomError } from '../../../src/core/errors.ts';
import { parseTemplate } from '../../../src/formats/template/prompt-template.ts';

/** Filled with `<name>` for each name. */
function fillWithNames(template: string): string {
  const { names, fill } = parseTemplate(template);
  return fill(names.map((name) => `<${name}>`));
}

describe('a template', () => {
  it.each([
    ['has one placeholder', 'Summarize {{text}}.', 'Summarize <text>.'],
    ['is a placeholder alone', '{{text}}', '<text>'],
    ['has a name several times', '{{a}}{{b}} and {{a}}', '<a><b> and <a>'],
    ['has white space in braces', '{{ text }}{{\ttext\n}}', '<text><text>'],
    [
      'has names with spaces, dots and other letters',
      '{{first name}} {{a.b}} {{größe}}',
      '<first name> <a.b> <größe>',
    ],
    ['has names of properties of objects', '{{__proto__}} {{constructor}}', '<__proto__> <constructor>'],
    ['has single braces', '{"a": {"b": "{{text}}"}}', '{"a": {"b": "<text>"}}'],
    ['has braces next to a placeholder', '{{{text}}}', '{<text>}'],
    ['has closing braces without opening ones', '}} {{text}} }}', '}} <text> }}'],
    ['escapes braces', '\\{{text}} is {{text}}', '{{text}} is <text>'],
    ['has an escaped backslash before a placeholder', 'C:\\\\{{text}}', 'C:\\<text>'],
    ['has backslashes elsewhere', '\\n \\\\ \\{ {{text}} \\', '\\n \\\\ \\{ <text> \\'],
    ['has dollar signs', '$& $1 $$ {{text}}', '$& $1 $$ <text>'],
    ['has several lines', 'One\r\n{{text}}\n\n', 'One\r\n<text>\n\n'],
  ])('%s', (_, template, filled) => {
    expect(fillWithNames(template)).toBe(filled);
  });

  it('takes texts as they are, whatever they hold', () => {
    const { names, fill } = parseTemplate('{{a}}|{{b}}');
    expect(names).toEqual(['a', 'b']);
    expect(fill(['{{b}} $& \\{{a}}', '$1{{a}}\n'])).toBe('{{b}} $& \\{{a}}|$1{{a}}\n');
  });

  it.each([
    ['without a placeholder', 'Tell a joke', 'prompt has no placeholder: every row would ask the same.'],
    ['with an escaped one only', '\\{{text}}', 'prompt has no placeholder: every row would ask the same.'],
    ['with one that is not closed', '{{a}} and {{text', 'prompt: "{{text" does not begin a placeholder.'],
    [
      'with one that is closed by one brace',
      'A {{text} {{b}}',
      'prompt: "{{text} " does not begin a placeholder.',
    ],
    ['with a pair of braces too many', '{{{{text}}}}', 'prompt: "{{" does not begin a placeholder.'],
  ])('is refused %s', (_, template, message) => {
    expect(() => parseTemplate(template)).toThrow(
      expect.objectContaining({ constructor: LoomError, kind: 'usage', message }),
    );
  });
});
