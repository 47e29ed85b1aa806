/** What stands on a terminal of so many columns after all that was written to it: follows line ends, wraps and codes. */
export class Screen {
  readonly #columns: number;
  #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns = 80) {
    this.#columns = columns;
  }

  write(raw: string): this {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is followed
    for (const [token] of raw.matchAll(/\x1b\[[?\d;]*[A-Za-z]|\x1b.|[^\x1b]/gu)) this.#take(token);
    return this;
  }

  /** Without empty lines, and without the spaces at the end of one. */
  get lines(): string[] {
    return this.#lines
      .map((line) =>
        Array.from(line, (cell) => cell ?? ' ')
          .join('')
          .trimEnd(),
      )
      .filter((line) => line !== '');
  }

  #take(token: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const [, count = '', act] = /^\x1b\[([\d;?]*)([A-Za-z])$/.exec(token) ?? [];
    if (act === 'A') this.#row = Math.max(0, this.#row - Number(count || 1));
    else if (act === 'J') {
      this.#lines.length = this.#row + 1;
      this.#line.length = this.#column;
    } else if (act === 'K') this.#line.length = this.#column;
    else if (token === '\r') this.#column = 0;
    else if (token === '\n') this.#goTo(this.#row + 1);
    else if (!token.startsWith('\x1b')) this.#show(token);
  }

  #show(character: string): void {
    if (this.#column === this.#columns) this.#goTo(this.#row + 1);
    this.#line[this.#column] = character;
    this.#column += 1;
  }

  #goTo(row: number): void {
    this.#row = row;
    this.#column = 0;
    while (this.#lines.length <= row) this.#lines.push([]);
  }

  get #line(): string[] {
    this.#lines[this.#row] ??= [];
    return this.#lines[this.#row] as string[];
  }
}
