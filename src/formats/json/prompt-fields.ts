/** The prompt of JSON entries, from the fields of each. */
import { LoomError } from '../../core/errors.ts';
import { findClosestName, listNames, quoteValue } from '../../core/words.ts';
import type { PromptSource } from '../format.ts';
import { flagOf, type PromptRecipe, readPromptSource } from '../template/prompt-source.ts';
import { textOfField } from './text.ts';

/** A JSON object as it was parsed, and the text that it was parsed from. */
export interface ParsedEntry {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** What messages call it: `entry 3`. */
  readonly place: string;
}

/** Where the prompt is when nobody says: in the field of this name. */
const usualField = 'prompt';

/** Reads the prompt of one entry after the other; call `finish` after the last. */
export class PromptFields {
  readonly #path: string;
  readonly #source: PromptSource | undefined;
  readonly #recipe: PromptRecipe;
  /** In a template, names that no entry had so far. */
  readonly #missing: Set<string>;
  #firstEntry: { readonly place: string; readonly fields: readonly string[] } | undefined;

  constructor(source: PromptSource | undefined, path: string) {
    this.#path = path;
    this.#source = source;
    this.#recipe = readPromptSource(source ?? { column: usualField });
    this.#missing = new Set(source && 'template' in source ? this.#recipe.names : []);
  }

  /**
   * The entry's prompt; null when there is nothing to send. LoomError `input` when it lacks the field that holds the
   * prompt; in a template, a field that is absent is as empty as an empty cell.
   */
  readPrompt(entry: ParsedEntry): string | null {
    this.#firstEntry ??= { place: entry.place, fields: Object.keys(entry.value) };
    for (const name of this.#missing) if (Object.hasOwn(entry.value, name)) this.#missing.delete(name);
    return this.#recipe.compose(this.#recipe.names.map((name) => this.#readText(entry, name)));
  }

  /** LoomError `input` when the template names a field that no entry has. */
  finish(): void {
    const [name] = this.#missing;
    if (name === undefined || !this.#firstEntry) return;
    const { place, fields } = this.#firstEntry;
    throw this.#missingFieldError(`no entry has ${quoteValue(name)}; ${place}`, name, fields);
  }

  #readText({ value, text, place }: ParsedEntry, name: string): string {
    if (!Object.hasOwn(value, name)) {
      if (this.#source && 'template' in this.#source) return '';
      throw this.#missingFieldError(`${place} has no ${quoteValue(name)}; it`, name, Object.keys(value));
    }
    return value[name] === null ? '' : textOfField(value[name], text, name);
  }

  #missingFieldError(what: string, name: string, fields: readonly string[]): LoomError {
    const hint =
      explainFields(fields) ??
      (this.#source
        ? suggestField(name, fields, flagOf(this.#source))
        : 'Name the field that holds the prompts with --col, or fill several into a --prompt.');
    return new LoomError('input', `${this.#path}: ${what} has ${describeFields(fields)}.`, { hint });
  }
}

/** Files of this trade that hold more than prompts. */
function explainFields(fields: readonly string[]): string | undefined {
  if (fields.includes('custom_id') && (fields.includes('body') || fields.includes('params')))
    return 'This is a file of batch requests, which loom makes itself: pass the prompts that they were made of.';
  if (fields.includes('messages'))
    return 'These are conversations: write the text that is to be asked into a field of its own, and name it with --col.';
  return undefined;
}

function suggestField(name: string, fields: readonly string[], flag: string): string {
  const closest = findClosestName(name, fields);
  return closest === undefined
    ? `Name a field that the entries have with ${flag}.`
    : `Did you mean ${quoteValue(closest)}?`;
}

function describeFields(fields: readonly string[]): string {
  if (fields.length === 0) return 'no fields';
  return `the ${fields.length === 1 ? 'field' : 'fields'} ${listNames(fields)}`;
}
