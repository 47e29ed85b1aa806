/** What may stand in a line on a terminal. */
import { withoutSteering } from '../../core/steering.ts';

/** A line with escape codes of our own: what came from elsewhere was cleaned before they were added. */
export class MarkedLine {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A line as it is written: without what would break it, or steer the terminal, whatever a provider or a file put in. */
export function showLine(line: string | MarkedLine): string {
  return line instanceof MarkedLine ? line.text : cleanLine(line);
}

export const cleanLine = withoutSteering;
