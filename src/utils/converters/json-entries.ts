/** Reads the entries of a JSON list or the lines of a JSONL file: the text of each, checked, and the row that it stands for. */
import { LoomError } from '../../errors.ts';
import type { Row } from '../../models.ts';
import { ByteWindow } from './byte-window.ts';
import type { ReadOptions } from './format.ts';
import { IdSet } from './id-set.ts';
import type { EntryPlace, Splitter } from './json-splitter.ts';
import { textOfField } from './json-text.ts';
import { PromptFields } from './prompt-fields.ts';
import type { TextSource } from './text-source.ts';
import { quoteValue } from './words.ts';

/** Consecutive entries: the text of each beside its row. */
export interface EntryBatch {
  readonly texts: readonly string[];
  readonly rows: readonly Row[];
  /** Where each text lies in `bytes`; what lies between is white space, and commas in a list. */
  readonly places: readonly EntryPlace[];
  readonly bytes: Buffer;
}

export class EntryReader {
  readonly #source: TextSource;
  readonly #splitter: Splitter;
  readonly #window = new ByteWindow();
  readonly #ids = new IdSet();
  readonly #prompts: PromptFields;
  #rowCount = 0;
  /** Of the entry that is being read. */
  #place: EntryPlace = { start: 0, end: 0 };

  constructor(source: TextSource, options: ReadOptions, splitter: Splitter) {
    this.#source = source;
    this.#splitter = splitter;
    this.#prompts = new PromptFields(options.promptSource, source.path);
  }

  /** What stands after the last entry, once all are read. */
  get tail(): Buffer {
    return this.#window.join();
  }

  async *readBatches(): AsyncGenerator<EntryBatch> {
    for await (const chunk of this.#source.readChunks(() => this.#splitter.describePlace())) {
      this.#window.append(chunk);
      this.#splitter.feed(chunk);
      yield* this.#readEntries(this.#splitter.takeEntries());
      this.#throwProblem();
    }
    this.#splitter.finish();
    yield* this.#readEntries(this.#splitter.takeEntries());
    this.#throwProblem();
    this.#prompts.finish();
  }

  /** The batch of these entries, up to the first one that is wrong, which is then thrown. */
  *#readEntries(places: readonly EntryPlace[]): Generator<EntryBatch> {
    const last = places.at(-1);
    if (!last) return;
    const windowStart = this.#window.start;

    const bytes = this.#window.takeUntil(last.end);
    const batch: { texts: string[]; rows: Row[]; places: EntryPlace[]; bytes: Buffer } = {
      texts: [],
      rows: [],
      places: [],
      bytes,
    };
    let failure: unknown;
    try {
      for (const found of places) {
        const place = { ...found, start: found.start - windowStart, end: found.end - windowStart };
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
    const entry = this.#parse(text, index);
    const row = { index, id: this.#readId(entry, text, index), prompt: this.#readPrompt(entry, text, index) };
    this.#rowCount += 1;
    return row;
  }

  #parse(text: string, index: number): Record<string, unknown> {
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch (cause) {
      const reason = (cause as Error).message.replaceAll(/\s+/g, ' ');
      throw this.#error(
        `${this.#nameEntry(index)} is not valid JSON (${reason})`,
        this.#splitter.syntaxHint,
        cause,
      );
    }
  }

  #readId(entry: Record<string, unknown>, text: string, index: number): string {
    const given = Object.hasOwn(entry, 'id') ? entry.id : null;
    const id = given === null ? `row-${index}` : textOfField(given, text, 'id');
    if (mayHoldHalfPair(text)) this.#checkCharacters(id, `the id of ${this.#nameEntry(index)}`);
    if (!this.#ids.add(id)) {
      const which = given === null ? `has no id and is ${quoteValue(id)}` : `has the id ${quoteValue(id)}`;
      throw this.#error(
        `${this.#nameEntry(index)} ${which}, which an earlier entry has`,
        'Give each entry an id of its own.',
      );
    }
    return id;
  }

  #readPrompt(entry: Record<string, unknown>, text: string, index: number): string | null {
    const prompt = this.#prompts.readPrompt({ value: entry, text, place: this.#nameEntry(index) });
    if (prompt !== null && mayHoldHalfPair(text))
      this.#checkCharacters(prompt, `the prompt of ${this.#nameEntry(index)}`);
    return prompt;
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
    return this.#splitter.nameEntry(index, this.#place);
  }

  #throwProblem(): void {
    const found = this.#splitter.problem;
    if (found) throw this.#error(found.problem, found.hint);
  }

  #error(problem: string, hint: string, cause?: unknown): LoomError {
    return new LoomError('input', `${this.#source.path}: ${problem}.`, { hint, cause });
  }
}

/** Only an escape can write it: the text was UTF-8. */
function mayHoldHalfPair(text: string): boolean {
  return text.includes('\\u');
}
