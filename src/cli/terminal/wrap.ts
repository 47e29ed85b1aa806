/**
 * Sentences broken between words for a terminal, which would break them anywhere; what they go on with is indented. No word
 * is broken, so that ids, paths and addresses stay what they are, nor a command or a path with spaces in it: where one has
 * no room in a line it is left to the terminal, from which it can be copied whole. What stands in quotes is kept together
 * as long as it has room.
 */

const continuation = '  ';

/** How a path ends that names a file. */
const fileEnd = String.raw`\.(?:csv|tsv|jsonl?|ndjson|parquet|gz|html)`;

/** Where a word ends, but for the marks of its sentence. */
const wordEnd = String.raw`(?=[\s.,:;)]|$)`;

/** What stays together, from the beginning of a word on. */
const whole = [
  // A command, with the word that it takes in a group of commands, and with its flags.
  /\bloom (?:keys (?:set|rm) [\w<>]+|(?:keys|cache) [a-z]+|[a-z]+)(?: --?[a-z][\w-]*(?: (?:'[^']*'|[^\s-]\S*))?)*\S*/,
  // What stands in quotes.
  new RegExp(String.raw`\(?(?:'[^']+'|"[^"]+")${wordEnd}\S*`),
  // A path with spaces in it: a few words go on to another slash, or to the end of a file's name.
  new RegExp(
    String.raw`[~.]{0,2}/\S*(?<!${fileEnd}[.,:;)]*)(?:(?: [^\s/]+){1,4}?(?:/\S*|(?<=${fileEnd})${wordEnd}\S*))+`,
  ),
  // The link of a path.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: links are escape codes
  /\x1b\]8;;[^\x1b]+\x1b\\[^\x1b]*\x1b\]8;;\x1b\\\S*/,
  // A question's last word, with the answers.
  /\S+ \[y\/N\]/,
];
const words = /( *)(\S+)/g;
const pieces = new RegExp(`( *)(${whole.map(({ source }) => source).join('|')}|\\S+)`, 'g');

/**
 * The text of one line, with line ends in it, for a terminal of so many columns; `hang` is how far it is indented where it
 * goes on, which is a little more than at its start unless said.
 */
export function wrapText(text: string, columns: number, hang?: number): string {
  // The last column stays free: some terminals begin a new line once it is written.
  const width = columns - 1;
  const indent = hang === undefined ? `${/^ */.exec(text)?.[0] ?? ''}${continuation}` : ' '.repeat(hang);
  const room = width - indent.length;
  let shown = '';
  let column = 0;
  for (const [gap, piece] of splitText(text, room)) {
    const length = widthOf(piece);
    const end = column + gap.length + length;
    // What is longer than a line is broken by the terminal, wherever it begins.
    const goesOn = shown !== '' && end > width && length <= room;
    shown += `${goesOn ? `\n${indent}` : gap}${piece}`;
    column = goesOn ? indent.length + length : end > width ? end % columns : end;
  }
  return shown;
}

/** What may be split into its words where it has no room in a line. */
const prose = /^\(?['"]|\[y\/N\]$/;

/** Pieces with the spaces ahead of each. */
function splitText(text: string, room: number): (readonly [string, string])[] {
  return [...text.matchAll(pieces)].flatMap(([all, gap = '', piece = '']) =>
    widthOf(piece) <= room || !prose.test(piece)
      ? [[gap, piece] as const]
      : Array.from(all.matchAll(words), ([, before = '', word = '']) => [before, word] as const),
  );
}

/** Colours and links, which take no room. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is left out
const codes = /\x1b\[[\d;]*m|\x1b\]8;;[^\x1b]*\x1b\\/g;

/** Letters that take two columns, near enough for where to break a line. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function widthOf(text: string): number {
  const plain = text.replace(codes, '');
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const letter of plain) width += /[\p{M}\u200d]/u.test(letter) ? 0 : wide.test(letter) ? 2 : 1;
  return width;
}
