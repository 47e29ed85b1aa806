/**
 * How long answers will be, by those in the cache of rows of the same run: a sample was asked before, with the same model
 * and settings. Lengths that the provider told count alone where there are some, since they have the thoughts in them;
 * else the texts are counted on this machine.
 */
import type { Answer } from '../../core/models.ts';

export interface AnswerLengths {
  readonly answers: number;
  /** Of one answer, on average. */
  readonly outputTokens: number;
}

/** So many answers tell a mean; to count more of them would take longer than all the rest. */
const mostAnswers = 1_000;

export class AnswerSample {
  readonly #countText: (text: string) => number;
  readonly #told = { answers: 0, tokens: 0 };
  readonly #counted = { answers: 0, tokens: 0 };

  constructor(countText: (text: string) => number) {
    this.#countText = countText;
  }

  add({ text, usage }: Answer): void {
    const { answers } = this.#told;
    if (answers + this.#counted.answers >= mostAnswers) return;
    const into = usage ? this.#told : this.#counted;
    into.answers += 1;
    into.tokens += usage ? usage.outputTokens : this.#countText(text);
  }

  /** Undefined where no answer was seen. */
  describe(): AnswerLengths | undefined {
    const { answers, tokens } = this.#told.answers > 0 ? this.#told : this.#counted;
    return answers === 0 ? undefined : { answers, outputTokens: tokens / answers };
  }
}
