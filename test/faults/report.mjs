/** Counts what was tried and what came of it, and says so as it goes. */
import { newFigures } from './checks.mjs';

const progressEvery = 50;

export class Report {
  tried = 0;
  failures = [];
  #kinds = new Map();
  #unreached = 0;
  #skipped = [];
  #figures = newFigures();
  #startedAt = Date.now();

  add(name, stops, kind, { violations, figures = newFigures(), log, reached }) {
    if (stops && reached.length === 0) this.#unreached += 1;
    this.#count(stops && reached.length === 0 ? 'not reached' : kind);
    for (const [figure, number] of Object.entries(figures)) this.#figures[figure] += number;
    if (violations.length > 0) this.#note(name, stops, violations, log, reached);
  }

  fail(name, stops, kind, violations, log) {
    this.#count(kind);
    this.#note(name, stops, violations, log, []);
  }

  skip(name, why) {
    this.#skipped.push(`${name}: ${why}`);
  }

  #count(kind) {
    this.tried += 1;
    if (this.tried % progressEvery === 0) console.log(`… ${this.tried} tried`);
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
  }

  #note(name, stops, violations, log, reached = []) {
    const command = `npm run faults -- --only '${name}'${stops ? ` --at ${stops.join(',')}` : ''}`;
    this.failures.push({ command, violations });
    const where = reached.length > 0 ? `  stopped at ${reached.join(', then at ')}\n` : '';
    console.log(`FAILED  ${command}\n${where}${violations.map((text) => `  - ${text}\n`).join('')}${log}`);
  }

  summarize() {
    const { rowsLost, askedTwice, paidAgain, paidAgainCut, failedAskedAgain, leftBehind } = this.#figures;
    const seconds = Math.round((Date.now() - this.#startedAt) / 1000);
    const kinds = [...this.#kinds].sort((a, b) => b[1] - a[1]);
    return [
      '',
      `Faults tried: ${this.tried} in ${seconds} s`,
      ...kinds.map(([kind, count]) => `  ${String(count).padStart(5)}  ${kind}`),
      ...this.#skipped.map((text) => `  skipped  ${text}`),
      `Rows lost: ${rowsLost}`,
      `Rows asked twice in batches: ${askedTwice}`,
      `Live calls paid again: ${paidAgain + paidAgainCut + failedAskedAgain}`,
      `  ${String(paidAgain).padStart(5)}  in flight when the process was stopped`,
      `  ${String(paidAgainCut).padStart(5)}  answer cut off on the wire`,
      `  ${String(failedAskedAgain).padStart(5)}  refused rows, which the same run asks again`,
      `Files left behind: ${leftBehind}`,
      `Failures: ${this.failures.length}`,
      ...this.failures.map(({ command, violations }) => `  ${command}\n      ${violations.join('\n      ')}`),
    ].join('\n');
  }
}
