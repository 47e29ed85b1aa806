/** The version, and the help of the program itself: texts that the build has written down, for which nothing is loaded. */
import { fstatSync, readFileSync, writeSync } from 'node:fs';

const asksForVersion = ['--version', '-V'];
const asksForMore = ['--verbose', '-v'];
const asksForHelp = ['', '--help', '-h', '-?', 'help'];

/** Writes what is asked for, where it is such a text and stdout takes it; false leaves it to the program, with its manners. */
export function tellAtOnce(args: readonly string[]): boolean {
  if (args.length === 2 && asksForVersion.includes(args[0] ?? '') && asksForMore.includes(args[1] ?? ''))
    return tell('versions.txt');
  if (args.length > 1) return false;
  const [word = ''] = args;
  if (asksForVersion.includes(word)) return tell('version.txt');
  // A terminal has a width of its own.
  return asksForHelp.includes(word) && !isTerminal() && tell('help.txt');
}

/** What tells a terminal from /dev/null is loaded only where it may be one. */
function isTerminal(): boolean {
  try {
    return fstatSync(1).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(1);
  } catch {
    return true;
  }
}

/** The file lies beside the entry, once the program is built, and is shorter than what a pipe takes in one piece. */
function tell(name: string): boolean {
  try {
    const text = readFileSync(new URL(`./${name}`, import.meta.url));
    return writeSync(1, text) === text.length;
  } catch {
    return false;
  }
}
