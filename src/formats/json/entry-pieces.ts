/** Cuts a JSON list or a JSONL file into the texts of its entries as the bytes come in, and parses them. */
import { LoomError } from '../../core/errors.ts';
import { isDeepText, mostLevels } from '../../core/nesting.ts';
import type { TextRecord } from '../format.ts';
import { ByteWindow } from '../text/byte-window.ts';
import type { TextSource } from '../text/text-source.ts';
import { deepHint, type EntryPlace, noNumberHint, type Splitter } from './splitter.ts';
import { textOfField } from './text.ts';

/** What lies between two entries, and the entry after it, which the splitter has bounded. */
const longestGap = 200 * 1024 * 1024;

/** Consecutive entries, and where each lies in the bytes. */
export interface EntryPiece {
  readonly bytes: Buffer;
  readonly places: readonly EntryPlace[];
}

export class EntryPieces {
  readonly #source: TextSource;
  readonly #splitter: Splitter;
  readonly #window = new ByteWindow();

  constructor(source: TextSource, splitter: Splitter) {
    this.#source = source;
    this.#splitter = splitter;
  }

  /** What stands after the last entry, once all are read. */
  get tail(): Buffer {
    return this.#window.join();
  }

  async *read(): AsyncGenerator<EntryPiece> {
    for await (const chunk of this.#source.readChunks(() => this.#splitter.describePlace())) {
      this.#window.append(chunk);
      this.#splitter.feed(chunk);
      yield* this.#takePiece();
      this.#throwProblem();
      if (this.#window.length > longestGap) {
        const problem = `there are more than 100 MB of white space ${this.#splitter.describePlace()}`;
        throw this.error(problem, 'Remove it and run again.');
      }
    }
    this.#splitter.finish();
    yield* this.#takePiece();
    this.#throwProblem();
  }

  /** LoomError `input` for an entry that is no JSON, or nested so deep that it could not be written again. */
  parse(text: string, index: number, place: EntryPlace): Record<string, unknown> {
    if (isDeepText(text)) {
      throw this.error(
        `${this.nameEntry(index, place)} is nested more than ${mostLevels} levels deep`,
        deepHint,
      );
    }
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch (cause) {
      const reason = (cause as Error).message.replaceAll(/\s+/g, ' ');
      throw this.error(
        `${this.nameEntry(index, place)} is not valid JSON (${reason})`,
        /[:[,]\s*-?(NaN|Infinity)\b/.test(text) ? noNumberHint : this.#splitter.syntaxHint,
        cause,
      );
    }
  }

  nameEntry(index: number, place: EntryPlace): string {
    return this.#splitter.nameEntry(index, place);
  }

  error(problem: string, hint: string, cause?: unknown): LoomError {
    return new LoomError('input', `${this.#source.path}: ${problem}.`, { hint, cause });
  }

  *#takePiece(): Generator<EntryPiece> {
    const found = this.#splitter.takeEntries();
    const last = found.at(-1);
    if (!last) return;
    const windowStart = this.#window.start;
    const bytes = this.#window.takeUntil(last.end);
    const places = found.map((place) => ({
      ...place,
      start: place.start - windowStart,
      end: place.end - windowStart,
    }));
    yield { bytes, places };
  }

  #throwProblem(): void {
    const found = this.#splitter.problem;
    if (found) throw this.error(found.problem, found.hint);
  }
}

/** Every entry with all its fields. */
export async function* readEntryRecords(
  source: TextSource,
  splitter: Splitter,
): AsyncGenerator<Iterable<TextRecord>> {
  const pieces = new EntryPieces(source, splitter);
  let index = 0;
  for await (const piece of pieces.read()) {
    yield listRecords(pieces, piece, index);
    index += piece.places.length;
  }
}

function* listRecords(
  pieces: EntryPieces,
  { bytes, places }: EntryPiece,
  firstIndex: number,
): Generator<TextRecord> {
  for (const [offset, place] of places.entries()) {
    const text = bytes.toString('utf8', place.start, place.end);
    yield new EntryRecord(pieces.parse(text, firstIndex + offset, place), text);
  }
}

class EntryRecord implements TextRecord {
  readonly #value: Record<string, unknown>;
  readonly #text: string;

  constructor(value: Record<string, unknown>, text: string) {
    this.#value = value;
    this.#text = text;
  }

  get names(): readonly string[] {
    return Object.keys(this.#value);
  }

  textOf(name: string): string | null {
    const field = Object.hasOwn(this.#value, name) ? this.#value[name] : null;
    return field === null ? null : textOfField(field, this.#text, name) || null;
  }
}
