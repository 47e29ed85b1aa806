/**
 * How a sandbox is known: every answer of it bears a mark, also where people set its address by hand. What it makes up must
 * not be taken for a model's.
 */
import type { HttpAnswer } from '../http/http-call.ts';

const markHeader = 'x-loom-sandbox';

/** Whether an answer bears the mark. */
export function isMarked({ headers }: Pick<HttpAnswer, 'headers'>): boolean {
  return headers[markHeader] !== undefined;
}
