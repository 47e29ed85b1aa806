/** The prompt of JSON entries, from the fields of each. */
import type { ErrorFacts } from '../../core/error-facts.ts';
import { LoomError } from '../../core/errors.ts';
import type { Row } from '../../core/models.ts';
import { findClosestName, listNames, quoteValue } from '../../core/words.ts';
import type { PromptSource, ReadOptions } from '../format.ts';
import { type PromptRecipe, readPromptSource } from '../template/prompt-source.ts';
import { textOfField } from './text.ts';

/** A JSON object as it was parsed, and the text that it was parsed from. */
export interface ParsedEntry {
  readonly value: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** What messages call it: `entry 3`. */
  readonly place: string;
}

/** For messages about fields that no entry has. */
export interface FirstEntry {
  readonly place: string;
  readonly fields: readonly string[];
}

/** Where the prompt is when nobody says: in the field of this name. */
const usualField = 'prompt';

/** Reads the prompt of one entry after the other; call `finish` after the last. */
export class PromptFields {
  readonly #path: string;
  readonly #source: PromptSource | undefined;
  readonly #recipe: PromptRecipe;
  /** In a template and of attachments: an entry may lack them. */
  readonly #optional: ReadonlySet<string>;
  /** Of these, what no entry had so far. */
  readonly #missing: Set<string>;
  #firstEntry: FirstEntry | undefined;

  constructor({ promptSource: source, attach }: Pick<ReadOptions, 'promptSource' | 'attach'>, path: string) {
    this.#path = path;
    this.#source = source;
    this.#recipe = readPromptSource(source ?? { column: usualField }, attach);
    const required = !source ? usualField : 'column' in source ? source.column : undefined;
    const isRequired = (name: string) => name === required;
    this.#optional = new Set(this.#recipe.names.filter((name) => !isRequired(name)));
    this.#missing = new Set(this.#optional);
  }

  /** Undefined before it is read. */
  get firstEntry(): FirstEntry | undefined {
    return this.#firstEntry;
  }

  /**
   * What the entry asks. LoomError `input` when it lacks the field that holds the
   * prompt; in a template, a field that is absent is as empty as an empty cell.
   */
  readAsked(entry: ParsedEntry): Pick<Row, 'prompt' | 'attached'> {
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
      // A row without an attachment may leave its field out, as one may that a template takes.
      if (this.#optional.has(name)) return '';
      throw this.#missingFieldError(`${place} has no ${quoteValue(name)}; it`, name, Object.keys(value));
    }
    return value[name] === null ? '' : textOfField(value[name], text, name);
  }

  #missingFieldError(what: string, name: string, fields: readonly string[]): LoomError {
    const facts = {
      path: this.#path,
      name,
      names: fields,
      option: this.#source || this.#optional.has(name) ? this.#recipe.optionOf(name) : undefined,
      closest: this.#source || this.#optional.has(name) ? findClosestName(name, fields) : undefined,
      holds: recognizeFields(fields),
    };
    const message = `${this.#path}: ${what} has ${describeFields(fields)}.`;
    return new LoomError('input', message, { code: 'field_unknown', facts, hint: proposeField(facts) });
  }
}

/** Files of this trade that hold more than prompts. */
function recognizeFields(fields: readonly string[]): 'requests' | 'conversations' | undefined {
  if (fields.includes('custom_id') && (fields.includes('body') || fields.includes('params')))
    return 'requests';
  return fields.includes('messages') ? 'conversations' : undefined;
}

function proposeField({ option, closest, holds }: ErrorFacts['field_unknown']): string {
  if (holds === 'requests')
    return 'This is a file of batch requests, which loom makes itself: pass the prompts that they were made of.';
  if (holds === 'conversations') return 'These are conversations: name their field as messages.';
  if (option === undefined)
    return 'Name the field that holds the prompts as col, or fill several into a prompt.';
  return closest === undefined
    ? `Name a field that the entries have as ${option}.`
    : `Did you mean ${quoteValue(closest)}?`;
}

/** `the fields "a", "b"` */
export function describeFields(fields: readonly string[]): string {
  if (fields.length === 0) return 'no fields';
  return `the ${fields.length === 1 ? 'field' : 'fields'} ${listNames(fields)}`;
}
