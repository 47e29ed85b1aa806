/**
 * Answers that do not fit what they were asked to be, and are asked for again. The second ask has the first answer in it
 * and what is wrong with it: a model that is only asked the same again tends to say the same.
 */
import type { JsonObject, RowOutcome } from '../../core/models.ts';
import type { AskedContent, Message, TextPart } from '../../core/parts.ts';
import type { AnswerCheck } from '../answers/answer-check.ts';
import { describeSchema } from '../answers/told-schema.ts';

/** An answer that was paid for and does not fit. */
export interface Misfit {
  readonly text: string;
  /** A sentence. */
  readonly reason: string;
  /** What would fit. */
  readonly schema: JsonObject;
}

/** Tells what is wrong with an answer as the provider gave it, if asking again may mend that. */
export function createMisfitFinder(
  checkAnswer: AnswerCheck,
  schema: JsonObject | undefined,
): (answer: RowOutcome) => Misfit | undefined {
  return (answer) => {
    if (!schema || answer.outcome !== 'succeeded') return undefined;
    const checked = checkAnswer<RowOutcome>(answer);
    if (checked.outcome === 'succeeded' || !isMisfit(checked)) return undefined;
    return { text: answer.text, reason: checked.error.message, schema };
  };
}

/** Of a checked answer. One that was cut off at a token limit is none: it would be so again. */
export function isMisfit(checked: RowOutcome): boolean {
  return checked.outcome === 'failed' && checked.error.kind === 'schema_mismatch';
}

/** The content with the answer that it got, what is wrong with that, and what would fit: a server may not have told it. */
export function askAgain(
  { messages, ...content }: AskedContent,
  { text, reason, schema }: Misfit,
): AskedContent {
  const demand = `${reason} ${describeSchema(schema)}`;
  return { ...content, messages: [...messages, say('assistant', text), say('user', demand)] };
}

function say(role: Message['role'], text: string): Message<TextPart> {
  return { role, parts: [{ type: 'text', text }] };
}
