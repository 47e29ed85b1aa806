/** The input as the first word behind a command: `loom run reviews.csv`. */

const commandsWithInput = ['run', 'tokens', 'adopt', 'export'];

/** The arguments, with the flag ahead of such a word. One that stands behind flags is taken where they are read. */
export function flagFirstWord(args: readonly string[]): readonly string[] {
  const [command = '', word, ...others] = args;
  if (!commandsWithInput.includes(command) || word === undefined || /^-./.test(word)) return args;
  // Two inputs are a mistake, which is told where words are counted.
  if (others.some((other) => /^(-f|--file(=.*)?$)/.test(other))) return args;
  return [command, '--file', word, ...others];
}
