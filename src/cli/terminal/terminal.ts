/** Everything that people see goes through here, so that a test can stand in for the process. */
import type { Interface } from 'node:readline/promises';
import { InterruptedError, LoomError } from '../../core/errors.ts';
import { cleanLine, MarkedLine, showLine } from './lines.ts';
import { describeLostWrite, type LostWrite, Outlet } from './outlet.ts';
import { type DescribeLines, PinnedLines } from './pinned-lines.ts';
import type { Voice } from './voice.ts';
import { wrapText } from './wrap.ts';

export interface Terminal {
  /** A line on what was done, on stdout: plain and never wrapped. On stderr where stdout is for JSON. */
  print(line: string | MarkedLine): void;
  /** The same for a line that the command is there to print, such as a row of a list. */
  printResult(line: string | MarkedLine): void;
  /** The same for a sentence, which a terminal breaks between words; what it goes on with there is indented so far. */
  printSentence(line: string | MarkedLine, hang?: number): void;
  /** A text of our own, as it is, on stdout, which the command is there to print: a JSON document, a help text, a script. */
  printText(text: string): void;
  /** A line in the tool's own voice, on stderr, where a terminal breaks it between words; none with --quiet. */
  note(line: string | MarkedLine): void;
  /** A line on stderr for who asked with --verbose. */
  detail(line: string): void;
  /** `Warning: …` on stderr. */
  warn(message: string): void;
  /** `Error: …` on stderr, as one line. */
  fail(message: string): void;
  /** Whether stdin, stdout or stderr is a terminal: one that is closed takes the command with it. */
  readonly isAttended: boolean;
  /** Whether stdin and stderr are both a terminal, so that there is somebody to ask. */
  readonly canAsk: boolean;
  /** Asks on stderr; only `y` or `yes` is yes. Call it only where `canAsk`. */
  confirm(question: string): Promise<'yes' | 'no'>;
  /** How many characters a line of results may have on the terminal that shows it; undefined where none does. */
  readonly screenWidth: number | undefined;
  /** Colours a piece of a line of results, where they are shown in colours. */
  paint(colour: Colour | undefined, text: string): string;
  /** Whether details are told, beside what everyone is told. */
  readonly tellsDetails: boolean;
  /** Whether a progress bar can be drawn: stderr is a terminal that can, and nobody asked for quiet. */
  readonly drawsBars: boolean;
  /** Whether results are shown where bars are drawn: stdout is a terminal too, or its sentences go to stderr. */
  readonly showsResults: boolean;
  /** Keeps lines at the bottom of stderr, below all that is written, until `unpin`. Call it only where `drawsBars`. */
  pin(describe: DescribeLines): void;
  /** Draws the pinned lines anew. */
  redrawPinned(): void;
  unpin(): void;
  /** The variables that say what a terminal can. */
  readonly environment: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  /**
   * Writes bytes to stdout as they are; in a file they are on the disk when this resolves. LoomError `output` when not all
   * were taken: the reader has gone, the disk is full. Ends with the command's signal, also when a reader takes nothing.
   */
  writeBytes(chunks: AsyncIterable<Buffer>): Promise<void>;
  /**
   * Resolves when stdout and stderr have taken all that was written, with what stdout has lost, but for a reader that has
   * gone. Does not wait for a reader that takes nothing once the command is to stop.
   */
  settle(): Promise<OutputLoss | undefined>;
  /** Gives the screen back as it was, for an end at once. */
  restoreScreen(): void;
  readonly stderr: NodeJS.WriteStream;
  /** Where `print` writes. */
  readonly results: NodeJS.WriteStream;
}

export interface OutputLoss {
  readonly error: LostWrite;
  /** Whether something was lost that its command is there to print. */
  readonly ofResults: boolean;
}

export type Colour = 'red' | 'green' | 'yellow' | 'cyan';
const colourCodes: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, cyan: 36 };
/** Where a terminal does not tell its width. */
export const usualWidth = 80;

/** What is typed behind a question, and the space ahead of it. */
const longestAnswer = ' yes'.length;

/** How long a reader may still take what it was slow to take, once the command is to stop. */
const lastWordsMs = 1_000;

interface Wrapping {
  /** Columns that something else takes. */
  readonly taken?: number;
  readonly hang?: number | undefined;
}

/** The terminal of this process. What stdout or stderr does not take is dropped, and ends nothing. */
export function createTerminal(streams: {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  environment: NodeJS.ProcessEnv;
  voice: Voice;
  /** Ends a question that nobody answers, and a write that nobody reads. */
  signal: AbortSignal;
}): Terminal {
  const { stdin, stdout, stderr, environment, voice, signal } = streams;
  const mayColour = !environment.NO_COLOR && environment.TERM !== 'dumb';
  const isColoured = (stream: NodeJS.WriteStream) => Boolean(stream.isTTY) && mayColour;
  const movesCursor = Boolean(stderr.isTTY) && environment.TERM !== 'dumb';
  const [out, err] = [new Outlet(stdout), new Outlet(stderr)];
  let pinned: PinnedLines | undefined;
  let loss: OutputLoss | undefined;

  const paintOn = (stream: NodeJS.WriteStream, colour: Colour, text: string) =>
    isColoured(stream) ? `\x1b[${colourCodes[colour]}m${text}\x1b[39m` : text;
  const above = (write: () => void) => (pinned ? pinned.above(write) : write());
  /** Broken between words for a terminal; whatever else reads the stream gets one line. */
  const wrapOn = (stream: NodeJS.WriteStream, line: string, { taken = 0, hang }: Wrapping = {}) =>
    stream.isTTY ? wrapText(line, (stream.columns || usualWidth) - taken, hang) : line;
  const tell = (line: string | MarkedLine) =>
    above(() => void err.write(`${wrapOn(stderr, showLine(line))}\n`));
  const tellMarked = (colour: Colour, word: string, message: string) =>
    tell(new MarkedLine(`${paintOn(stderr, colour, word)} ${cleanLine(message).trim()}`));
  const note = (line: string | MarkedLine) => {
    if (!voice.quiet) tell(line);
  };

  const writeOut = (text: string, ofResults: boolean) => {
    const write = () =>
      void out.write(`${text}\n`).then((error) => {
        if (error && !error.isReaderGone) loss = { error, ofResults: ofResults || Boolean(loss?.ofResults) };
      });
    if (stdout.isTTY) above(write);
    else write();
  };
  const printLine = (line: string | MarkedLine, ofResults: boolean) => {
    if (voice.json) note(line);
    else writeOut(showLine(line), ofResults);
  };

  const terminal: Terminal = {
    print: (line) => printLine(line, false),
    printResult: (line) => printLine(line, true),
    printSentence(line, hang) {
      if (voice.json) note(line);
      else writeOut(wrapOn(stdout, showLine(line), { hang }), true);
    },
    printText: (text) => writeOut(text, true),
    note,
    detail(line) {
      if (voice.verbose) tell(line);
    },
    warn: (message) => tellMarked('yellow', 'Warning:', message),
    fail: (message) => tellMarked('red', 'Error:', message),
    isAttended: Boolean(stdin.isTTY || stdout.isTTY || stderr.isTTY),
    canAsk: Boolean(stdin.isTTY && stderr.isTTY),
    async confirm(question) {
      // Only questions need it, and every start would pay for it.
      const { createInterface } = await import('node:readline/promises');
      const lines = createInterface({ input: stdin, output: stderr });
      pinned?.hide();
      try {
        const asked = `${paintOn(stderr, 'cyan', cleanLine(question))} [y/N]`;
        const answer = await Promise.race([
          lines.question(`${wrapOn(stderr, asked, { taken: longestAnswer })} `, { signal }),
          endOfInput(lines),
        ]);
        return /^y(es)?$/i.test(answer.trim()) ? 'yes' : 'no';
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        lines.close();
        pinned?.show();
      }
    },
    get screenWidth() {
      return stdout.isTTY && !voice.json ? stdout.columns || usualWidth : undefined;
    },
    paint: (colour, text) => (colour ? paintOn(stdout, colour, text) : text),
    get tellsDetails() {
      return voice.verbose;
    },
    get drawsBars() {
      return movesCursor && !voice.quiet;
    },
    get showsResults() {
      return Boolean(stdout.isTTY) || voice.json;
    },
    pin(describe) {
      pinned = new PinnedLines(stderr, describe);
    },
    redrawPinned: () => pinned?.redraw(),
    unpin() {
      pinned?.hide();
      pinned = undefined;
    },
    environment,
    stdin,
    async writeBytes(chunks) {
      const lost = await out.writeAll(chunks, signal);
      if (!lost) return;
      throw new LoomError('output', await describeLostWrite(lost), {
        hint: 'The answers are kept: run again.',
        cause: lost,
      });
    },
    async settle() {
      await Promise.race([Promise.all([out.drain(), err.drain()]), afterAbortion(signal, lastWordsMs)]);
      return loss;
    },
    restoreScreen: () => pinned?.hide(),
    stderr,
    get results() {
      return voice.json ? stderr : stdout;
    },
  };
  return terminal;
}

async function afterAbortion(signal: AbortSignal, ms: number): Promise<void> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Ctrl+D answers nothing, which is no, and so does a terminal that is gone; Ctrl+C interrupts the program as anywhere else. */
function endOfInput(lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => reject(new InterruptedError('SIGINT')));
    lines.once('error', () => resolve(''));
    lines.once('close', () => resolve(''));
  });
}
