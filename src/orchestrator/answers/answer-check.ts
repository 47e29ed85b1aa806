/**
 * Reads each answer as what it was asked to be. What callers may rely on: an answer that does not fit its schema is a
 * failed result that still has the whole text, because it is paid for; so nothing but checked results may be told, and
 * nothing but unchecked ones kept. A refusal names its true cause: an answer that was cut off does not count as no JSON.
 */
import { type GenerationSettings, isCutOff, isJsonObject, type RowOutcome } from '../../core/models.ts';
import { isDeepText, mostLevels } from '../../core/nesting.ts';
import { findJson, type JsonPiece } from './json-answer.ts';
import { type FindMisfit, openSchemaCheck } from './schema-check.ts';

/** The result as it is, with the JSON alone as its text, or a failed one when that does not fit. */
export type AnswerCheck = <Result extends RowOutcome>(result: Result) => Result;

/** LoomError `input` when the schema of the settings is none. Where no JSON was asked for every answer passes. */
export async function openAnswerCheck(settings: GenerationSettings | undefined): Promise<AnswerCheck> {
  if (settings?.schema) return checkBy(await openSchemaCheck(settings.schema));
  return settings?.json_mode ? unwrapObject : (result) => result;
}

/** Without a schema there is nothing to refuse: an answer with one object in it is that object. */
const unwrapObject: AnswerCheck = (result) => {
  if (result.outcome !== 'succeeded') return result;
  const [object, ...others] = findJson(result.text).filter(({ value }) => isJsonObject(value));
  return object && others.length === 0 ? { ...result, text: object.text } : result;
};

function checkBy(findMisfit: FindMisfit): AnswerCheck {
  return (result) => {
    if (result.outcome !== 'succeeded') return result;
    const read = readAnswer(result.text, findMisfit);
    if ('piece' in read) return { ...result, text: read.piece.text };
    const error = isCutOff(result)
      ? { kind: 'max_tokens', message: 'The answer was cut off at the token limit.' }
      : { kind: 'schema_mismatch', message: read.misfit };
    return { ...result, outcome: 'failed', error };
  };
}

/** The JSON of an answer that fits, or why there is none. */
function readAnswer(text: string, findMisfit: FindMisfit): { piece: JsonPiece } | { misfit: string } {
  if (isDeepText(text)) return { misfit: `The answer is nested more than ${mostLevels} levels deep.` };
  const pieces = findJson(text);
  const [first] = pieces;
  if (!first) return { misfit: 'The answer is not JSON.' };
  const [fitting, ...others] = pieces.filter(({ value }) => findMisfit(value) === undefined);
  if (!fitting) return { misfit: `The answer does not fit the schema: ${findMisfit(first.value)}.` };
  const meaning = JSON.stringify(fitting.value);
  if (others.every(({ value }) => JSON.stringify(value) === meaning)) return { piece: fitting };
  return { misfit: 'The answer holds several values that fit the schema, and they differ.' };
}
