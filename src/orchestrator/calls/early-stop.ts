/**
 * When the first answers of a run leave nothing to hope for, the run ends: a setting or a model that the provider refuses
 * is refused for every row, and a server whose answers can't be read will not be understood at the next row either.
 */
import { ProviderError } from '../../core/errors.ts';
import { endSentence } from '../../core/words.ts';

/** So many answers have to agree; a run with fewer rows never ends early. */
export const firstAnswers = 8;

/** Looks at the finished calls of one run, in the order in which they end. Answers of a cache are no calls. */
export interface EarlyStop {
  /** A call was answered by the model, whatever its row makes of it: the run goes on to its end. */
  noteAnswer(): void;
  /** A call has failed, and is not made again: the error to end the run with, if it is to end. */
  noteFailure(error: ProviderError): ProviderError | undefined;
}

/** What answers have to have in common. */
interface StopRule {
  /** What such an error says of the whole run: the same text for the same trouble; undefined where it is about its row. */
  sayTrouble(error: ProviderError): string | undefined;
  /** The message that the run ends with. */
  describe(error: ProviderError): string;
}

const sameRefusal: StopRule = {
  sayTrouble: (error) =>
    isAboutSettings(error) ? `${error.code} ${leaveOutNumbers(error.message)}` : undefined,
  describe: ({ message }) =>
    `The first ${firstAnswers} answers are the same refusal: ${endSentence(message)} It will be so for every row: ` +
    'change the model, or the setting that it names. No output is written.',
};

const nothingReadable: StopRule = {
  sayTrouble: ({ code }) => (code === 'unreadable' ? code : undefined),
  describe: ({ message }) =>
    `None of the first ${firstAnswers} answers can be read, and each may have been paid for. The last: ` +
    `${endSentence(message)} No output is written.`,
};

const stopRules: readonly StopRule[] = [sameRefusal, nothingReadable];

/** For one run. Errors that say nothing of an answer (a lost connection, a time limit) are passed over. */
export function createEarlyStop(): EarlyStop {
  const seen = stopRules.map((rule) => ({ rule, trouble: '', times: 0 }));
  let answers = 0;

  return {
    noteAnswer() {
      answers = firstAnswers;
    },

    noteFailure(error) {
      if (answers >= firstAnswers || (error.status === undefined && error.code !== 'unreadable'))
        return undefined;
      answers += 1;
      for (const state of seen) {
        const trouble = state.rule.sayTrouble(error);
        if (trouble === undefined || (state.times > 0 && trouble !== state.trouble)) continue;
        state.trouble = trouble;
        state.times += 1;
        if (state.times < firstAnswers) continue;
        const { code, status } = error;
        return new ProviderError('run', code, state.rule.describe(error), { status, cause: error });
      }
      return undefined;
    },
  };
}

/** What servers say of a request whose fault is in its model or in a setting, which all rows have alike. */
const settingWords =
  /model|param|argument|\bfield|setting|option|\bvalue|temperature|top_?[pk]|max_?(?:\w+_?)?tokens|\bstop|seed|penalty|response_?(?:format|schema|mime)|schema|json|unsupported|not supported|unknown|unrecogni[sz]ed|extra inputs|not permitted|deprecated|decommissioned|config|reasoning|effort|模型|参数/i;

/** What they say of one prompt: its content was stopped, or it is too long. */
const promptWords = [
  /flagged|moderat|polic(?:y|ies)|safety(?!_?settings)|content_?(?:filter|polic|violation|exist)|inappropriate|inspection|(?<!case[- ])sensitive|harmful|violat\w+ (?:\w+ ){0,3}(?:guideline|term|usage)|prohibited|high risk|blocked|敏感|不安全|违规/i,
  /context.?(?:length|size|limit)|maximum context|context_window_exceeded|string_above_max|(?:prompt|input|text|content|messages?)\S{0,2} (?:\w+ ){0,3}too (?:long|large|big)|(?:input|prompt).{0,3}(?:length|tokens?\b)|tokens in the prompt|too many tokens|reduce the length|request (?:entity )?too large|超长|长度/i,
];

function isAboutSettings({ scope, status, code, message }: ProviderError): boolean {
  // Without a status nobody has refused anything.
  if (scope !== 'row' || status === undefined || status === 413) return false;
  const words = `${code} ${message}`;
  return settingWords.test(words) && !promptWords.some((pattern) => pattern.test(words));
}

/** Ids of requests, times and counts differ where the trouble is the same. */
function leaveOutNumbers(message: string): string {
  return message.replace(/\b(?=[\w-]*\d)[\w-]{8,}\b|\d+/g, '#');
}
