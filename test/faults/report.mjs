/** Counts what was tried and what came of it, and says so as it goes. */
import { addFigures, newFigures } from './checks.mjs';
import { readStop } from './stop.mjs';

const progressEvery = 50;

const commandOf = (name, stops) =>
  `npm run faults -- --only '${name}'${stops ? ` --at '${stops.join(',')}'` : ''}`;

export class Report {
  tried = 0;
  failures = [];
  #kinds = new Map();
  #skipped = [];
  #unreached = [];
  #figures = newFigures();
  #seconds = 0;
  #startedAt = Date.now();

  add(name, stops, kind, { violations, figures = newFigures(), log, reached, steps }) {
    this.#countReached(name, stops, kind, { reached, steps });
    addFigures(this.#figures, figures);
    if (violations.length > 0) this.#note(name, stops, violations, log, reached);
  }

  /** A disk may be full from a step on after which nothing is written that takes room: that is tried, too. */
  #countReached(name, stops, kind, { reached, steps }) {
    if (!stops || reached.length > 0) return this.#count(kind);
    const { step, how } = readStop(stops[0]);
    if (how === 'full' && step <= steps) return this.#count('disk full, nothing more to write');
    this.#unreached.push(`${commandOf(name, stops)}: it took ${steps} steps`);
    return this.#count('not reached');
  }

  fail(name, stops, kind, violations, log) {
    this.#count(kind);
    this.#note(name, stops, violations, log, []);
  }

  skip(name, why) {
    this.#skipped.push(`${name}: ${why}`);
  }

  /** What another process found, as its `toJSON` wrote it. */
  take({ tried, failures, kinds, skipped, unreached, figures, seconds }) {
    this.tried += tried;
    this.failures.push(...failures);
    for (const [kind, count] of Object.entries(kinds)) this.#countKind(kind, count);
    this.#skipped.push(...skipped);
    this.#unreached.push(...unreached);
    addFigures(this.#figures, figures);
    this.#seconds += seconds;
  }

  toJSON() {
    return {
      tried: this.tried,
      failures: this.failures,
      kinds: Object.fromEntries(this.#kinds),
      skipped: this.#skipped,
      unreached: this.#unreached,
      figures: this.#figures,
      seconds: this.#seconds + (Date.now() - this.#startedAt) / 1000,
    };
  }

  #count(kind) {
    this.tried += 1;
    if (this.tried % progressEvery === 0) console.log(`… ${this.tried} tried`);
    this.#countKind(kind, 1);
  }

  #countKind(kind, count) {
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + count);
  }

  #note(name, stops, violations, log, reached = []) {
    const command = commandOf(name, stops);
    this.failures.push({ command, violations });
    const where = reached.length > 0 ? `  stopped at ${reached.join(', then at ')}\n` : '';
    console.log(`FAILED  ${command}\n${where}${violations.map((text) => `  - ${text}\n`).join('')}${log}`);
  }

  summarize() {
    const figures = this.#figures;
    const { paidAgain, paidAgainOvertaken, paidAgainCut, failedAskedAgain } = figures;
    const kinds = [...this.#kinds].sort((a, b) => b[1] - a[1]);
    return [
      '',
      `Faults tried: ${this.tried} in ${Math.round(this.toJSON().seconds)} s`,
      ...kinds.map(([kind, count]) => `  ${String(count).padStart(5)}  ${kind}`),
      ...this.#unreached.map((text) => `  not reached  ${text}`),
      ...this.#skipped.map((text) => `  skipped  ${text}`),
      `Rows lost: ${figures.rowsLost}`,
      `Rows asked twice in batches: ${figures.askedTwice}`,
      `Wrong rows: ${figures.wrongRows}`,
      `Foreign files touched: ${figures.foreignTouched}`,
      `Live calls paid again: ${paidAgain + paidAgainOvertaken + paidAgainCut + failedAskedAgain}`,
      `  ${String(paidAgain).padStart(5)}  in flight when the process was stopped`,
      `  ${String(paidAgainOvertaken).padStart(5)}  in flight when the process was paused and overtaken`,
      `  ${String(paidAgainCut).padStart(5)}  answer cut off on the wire`,
      `  ${String(failedAskedAgain).padStart(5)}  refused rows, which the same run asks again`,
      `Files left behind: ${figures.leftBehind}`,
      `Failures: ${this.failures.length}`,
      ...this.failures.map(({ command, violations }) => `  ${command}\n      ${violations.join('\n      ')}`),
    ].join('\n');
  }
}
