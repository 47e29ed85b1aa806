/** Counts tokens on this machine, as OpenAI's models see them. Other vendors' models cut texts in other ways. */

export interface Tokenizer {
  /** The name of its encoding: `o200k_base`. */
  readonly encoding: string;
  count(text: string): number;
}

/** Words whose tokens are kept at hand; many more take much memory and little less time. */
const rememberedWords = 10_000;

/** The tokenizer of a model, also for a name such as `openai/gpt-4`; the newest one for a model that is not known. */
export async function openTokenizer(model: string): Promise<Tokenizer> {
  const { modelToEncodingMap } = await import('gpt-tokenizer/mapping');
  const name = model.slice(model.lastIndexOf('/') + 1);
  const isOlder = (modelToEncodingMap as Record<string, string>)[name] === 'cl100k_base';
  const { countTokens, setMergeCacheSize } = isOlder
    ? await import('gpt-tokenizer/encoding/cl100k_base')
    : await import('gpt-tokenizer/encoding/o200k_base');
  setMergeCacheSize(rememberedWords);
  // A prompt with <|endoftext|> in it is sent as plain text.
  const plainText = { disallowedSpecial: new Set<string>() };
  return {
    encoding: isOlder ? 'cl100k_base' : 'o200k_base',
    count: (text) => cutText(text).reduce((sum, piece) => sum + countTokens(piece, plainText), 0),
  };
}

/** The time for one long word grows with the square of its length. */
const longestPiece = 4_000;

/** The text in pieces; a word follows its space, so a cut before a space does not change the count. */
function cutText(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (text.length - start > longestPiece) {
    // Within the piece only: looking back to the start of a text without spaces, each time, is slow.
    const space = text.slice(start + 1, start + 1 + longestPiece).lastIndexOf(' ');
    const end = space === -1 ? start + longestPiece : start + 1 + space;
    pieces.push(text.slice(start, end));
    start = end;
  }
  pieces.push(text.slice(start));
  return pieces;
}
