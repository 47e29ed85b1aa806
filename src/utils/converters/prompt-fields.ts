/** The prompt of JSON entries, from the fields of each. */
import { LoomError } from '../../errors.ts';
import { textOfField } from './json-text.ts';
import { type PromptRecipe, type PromptSource, readPromptSource } from './prompt-source.ts';
import { findClosestName, listNames, quoteValue } from './words.ts';

/** A JSON object as it was parsed, and the text that it was parsed from. */
export interface ParsedEntry {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** What messages call it: `entry 3`. */
  readonly place: string;
}

/** Where the prompt is when nobody says: in the field of this name. */
const usualField = 'prompt';

export class PromptFields {
  readonly #path: string;
  readonly #source: PromptSource | undefined;
  readonly #recipe: PromptRecipe;

  constructor(source: PromptSource | undefined, path: string) {
    this.#path = path;
    this.#source = source;
    this.#recipe = readPromptSource(source ?? { column: usualField });
  }

  /** The entry's prompt; null when there is nothing to send. LoomError `input` when it lacks the field. */
  readPrompt(entry: ParsedEntry): string | null {
    for (const name of this.#recipe.names) {
      if (!Object.hasOwn(entry.value, name)) throw this.#missingFieldError(entry, name);
    }
    return this.#recipe.compose(this.#recipe.names.map((name) => readText(entry, name)));
  }

  #missingFieldError({ value, place }: ParsedEntry, name: string): LoomError {
    const fields = Object.keys(value);
    return new LoomError(
      'input',
      `${this.#path}: ${place} has no ${quoteValue(name)}; it has ${describeFields(fields)}.`,
      {
        hint: this.#source ? suggestField(name, fields) : 'Name the field that holds the prompts with --col.',
      },
    );
  }
}

function readText({ value, text }: ParsedEntry, name: string): string {
  return value[name] === null ? '' : textOfField(value[name], text, name);
}

function suggestField(name: string, fields: readonly string[]): string {
  const closest = findClosestName(name, fields);
  return closest === undefined
    ? 'Pass a field that every entry has with --col.'
    : `Did you mean ${quoteValue(closest)}?`;
}

function describeFields(fields: readonly string[]): string {
  if (fields.length === 0) return 'no fields';
  return `the ${fields.length === 1 ? 'field' : 'fields'} ${listNames(fields)}`;
}
