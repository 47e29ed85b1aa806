/** Reads the entries of a JSON list or the lines of a JSONL file: the text of each, checked, and the row that it stands for. */
import { LoomError } from '../../core/errors.ts';
import type { Row } from '../../core/models.ts';
import { findClosestName, quoteValue } from '../../core/words.ts';
import type { ReadOptions } from '../format.ts';
import { nameTaken } from '../template/reserved-names.ts';
import type { TextSource } from '../text/text-source.ts';
import { type EntryPiece, EntryPieces } from './entry-pieces.ts';
import { describeFields, type FirstEntry, PromptFields } from './prompt-fields.ts';
import type { EntryPlace, Splitter } from './splitter.ts';
import { textOfField } from './text.ts';

/** Consecutive entries: the text of each beside its row. */
export interface EntryBatch {
  readonly texts: readonly string[];
  readonly rows: readonly Row[];
  /** Where each text lies in `bytes`; what lies between is white space, and commas in a list. */
  readonly places: readonly EntryPlace[];
  readonly bytes: Buffer;
}

export class EntryReader {
  readonly #pieces: EntryPieces;
  readonly #prompts: PromptFields;
  readonly #path: string;
  readonly #rowId: string | undefined;
  readonly #reserved: ReadOptions['reserved'];
  #hasIds = false;
  #rowCount = 0;
  /** Of the entry that is being read. */
  #place: EntryPlace = { start: 0, end: 0 };

  constructor(source: TextSource, options: ReadOptions, splitter: Splitter) {
    this.#pieces = new EntryPieces(source, splitter);
    this.#prompts = new PromptFields(options, source.path);
    this.#path = source.path;
    this.#rowId = options.rowId;
    this.#reserved = options.reserved;
  }

  /** What stands after the last entry, once all are read. */
  get tail(): Buffer {
    return this.#pieces.tail;
  }

  async *readBatches(): AsyncGenerator<EntryBatch> {
    for await (const piece of this.#pieces.read()) yield* this.#readEntries(piece);
    this.#prompts.finish();
    const { firstEntry } = this.#prompts;
    if (this.#rowId === undefined || this.#hasIds || !firstEntry) return;
    throw rowIdUnknown(this.#path, this.#rowId, firstEntry);
  }

  /** The batch of these entries, up to the first one that is wrong, which is then thrown. */
  *#readEntries({ bytes, places }: EntryPiece): Generator<EntryBatch> {
    const batch: { texts: string[]; rows: Row[]; places: EntryPlace[]; bytes: Buffer } = {
      texts: [],
      rows: [],
      places: [],
      bytes,
    };
    let failure: unknown;
    try {
      for (const place of places) {
        const text = bytes.toString('utf8', place.start, place.end);
        this.#place = place;
        batch.rows.push(this.#readRow(text));
        batch.texts.push(text);
        batch.places.push(place);
      }
    } catch (error) {
      failure = error;
    }
    yield batch;
    if (failure) throw failure;
  }

  #readRow(text: string): Row {
    const index = this.#rowCount;
    const entry = this.#pieces.parse(text, index, this.#place);
    for (const name of this.#reserved ?? [])
      if (Object.hasOwn(entry, name)) throw nameTaken(this.#path, name, this.#nameEntry(index));
    const givenId = this.#readId(entry, text, index);
    const row = {
      index,
      id: givenId ?? `row-${index}`,
      givenId,
      line: this.#place.line,
      ...this.#readAsked(entry, text, index),
    };
    this.#rowCount += 1;
    return row;
  }

  #readId(entry: Record<string, unknown>, text: string, index: number): string | undefined {
    const name = this.#rowId ?? 'id';
    const given = Object.hasOwn(entry, name) ? entry[name] : null;
    if (given === null) return undefined;
    this.#hasIds = true;
    const id = textOfField(given, text, name);
    if (mayHoldHalfPair(text)) this.#checkCharacters(id, `the id of ${this.#nameEntry(index)}`);
    return id;
  }

  #readAsked(entry: Record<string, unknown>, text: string, index: number): Pick<Row, 'prompt' | 'attached'> {
    const asked = this.#prompts.readAsked({ value: entry, text, place: this.#nameEntry(index) });
    if (asked.prompt !== null && mayHoldHalfPair(text))
      this.#checkCharacters(asked.prompt, `the prompt of ${this.#nameEntry(index)}`);
    return asked;
  }

  /** Half of a surrogate pair is no character: it can't be sent as UTF-8. */
  #checkCharacters(value: string, what: string): void {
    const lone = /\p{Surrogate}/u.exec(value)?.[0];
    if (lone === undefined) return;
    const written = `\\u${lone.charCodeAt(0).toString(16)}`;
    throw this.#error(
      `${what} holds ${written}, half of a surrogate pair`,
      'Complete the character or remove it.',
    );
  }

  #nameEntry(index: number): string {
    return this.#pieces.nameEntry(index, this.#place);
  }

  #error(problem: string, hint: string): LoomError {
    return this.#pieces.error(problem, hint);
  }
}

function rowIdUnknown(path: string, name: string, { place, fields: names }: FirstEntry): LoomError {
  const closest = findClosestName(name, names);
  const what = `no entry has ${quoteValue(name)}; ${place} has ${describeFields(names)}.`;
  return new LoomError('input', `${path}: ${what}`, {
    code: 'row_id_unknown',
    facts: { path, name, names, closest },
    hint:
      closest === undefined
        ? 'Name a field that the entries have as rowId.'
        : `Did you mean ${quoteValue(closest)}?`,
  });
}

/** Only an escape can write it: the text was UTF-8. */
function mayHoldHalfPair(text: string): boolean {
  return text.includes('\\u');
}
