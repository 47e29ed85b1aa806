/**
 * Which columns of an output are a run's: as the run noted, as somebody says, or as the names tell. An output that was
 * moved, or is another machine's, is told by its names alone: an answer is called `llm_response`, or has columns beside
 * it that begin with its own name (`label` and `label_error`), and its fields stand between it and those.
 */
import { LoomError } from '../../core/errors.ts';
import { usualAnswer } from '../../core/names.ts';
import { findClosestName, listNames, quoteValue } from '../../core/words.ts';
import type { HistoryEntry } from '../../state/history.ts';
import { type SideSuffix, sideName, sideSuffixes } from '../output/columns.ts';

export interface AnswerColumns {
  /** Undefined where the run left the answers out: only their fields tell what was answered. */
  readonly answer: string | undefined;
  /** Columns with a field of each answer, in their order. */
  readonly fields: readonly string[];
  /** Columns beside the answer, by what is in them. */
  readonly beside: Readonly<Partial<Record<SideSuffix, string>>>;
}

/**
 * `asked` is the column that somebody names. LoomError `input` for one that is not there, for an output whose names do
 * not tell, and for a file that has no answers.
 */
export function findAnswerColumns(
  path: string,
  names: readonly string[],
  history: HistoryEntry | undefined,
  asked: string | undefined,
): AnswerColumns {
  const recorded = history && recordedAnswer(history);
  if (asked !== undefined) {
    checkAsked(path, names, asked);
    return describeNamed(names, asked, recorded);
  }
  if (recorded) return recorded;
  const [answer, ...others] = names.includes(usualAnswer) ? [usualAnswer] : findAnswers(names);
  if (answer === undefined) throw notAnOutput(path, names);
  if (others.length > 0) throw unclear(path, [answer, ...others]);
  return describeNamed(names, answer, undefined);
}

/** As the run noted them; runs of older versions noted none, and had the usual ones. */
function recordedAnswer({ columns = {} }: HistoryEntry): AnswerColumns {
  const { as = usualAnswer, no_response: noResponse, fields = [] } = columns;
  return {
    answer: noResponse ? undefined : as,
    fields: fields.map(({ name }) => name),
    beside: Object.fromEntries(sideSuffixes.map((suffix) => [suffix, sideName(as, suffix)])),
  };
}

/** Where somebody names a field as the answer, what the run noted still holds for the rest. */
function describeNamed(
  names: readonly string[],
  answer: string,
  recorded: AnswerColumns | undefined,
): AnswerColumns {
  if (recorded && (recorded.answer === answer || recorded.fields.includes(answer)))
    return { ...recorded, answer, fields: recorded.fields.filter((name) => name !== answer) };
  const owner = hasSides(names, answer) ? answer : usualAnswer;
  const beside = sideSuffixes.map((suffix) => [suffix, sideName(owner, suffix)] as const);
  const ends = new Set([...beside.map(([, name]) => name), usualAnswer, ...findAnswers(names)]);
  const after = names.slice(names.indexOf(answer) + 1);
  const end = after.findIndex((name) => ends.has(name));
  return {
    answer,
    fields: end < 0 ? after : after.slice(0, end),
    beside: Object.fromEntries(beside),
  };
}

function hasSides(names: readonly string[], answer: string): boolean {
  return sideSuffixes.some((suffix) => names.includes(sideName(answer, suffix)));
}

function findAnswers(names: readonly string[]): string[] {
  return names.filter((name) => hasSides(names, name));
}

function checkAsked(path: string, names: readonly string[], asked: string): void {
  if (names.includes(asked)) return;
  const closest = findClosestName(asked, names);
  throw new LoomError('input', `${path}: no column ${quoteValue(asked)}; it has ${listNames(names)}.`, {
    hint: closest === undefined ? 'Name one of these.' : `Did you mean ${quoteValue(closest)}?`,
  });
}

/** It may be one of ours: without the answers themselves (`noResponse`), and changed since its run. */
function notAnOutput(path: string, columns: readonly string[]): LoomError {
  return new LoomError(
    'input',
    `${path}: nothing tells which column holds the answers; it has ${listNames(columns)}, and no ${quoteValue(usualAnswer)}.`,
    {
      code: 'not_an_output',
      facts: { path, columns },
      hint: 'Name it with the option answer, or give a file as loom wrote it.',
    },
  );
}

function unclear(path: string, columns: readonly string[]): LoomError {
  return new LoomError('input', `${path}: the answers could be in each of ${listNames(columns)}.`, {
    code: 'answers_unclear',
    facts: { path, columns },
    hint: 'Name one with the option answer.',
  });
}
