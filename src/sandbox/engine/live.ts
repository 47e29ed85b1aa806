/** One call, one answer. */
import { Refused } from '../http/http.ts';
import type { VendorName } from '../vendors.ts';
import { type Draft, draftAnswer, type ModelRequest } from './answers.ts';
import { newId } from './store.ts';
import type { SandboxContext } from './vendor.ts';

/** How a vendor speaks of an answer, live and in batches. */
export interface AnswerForm {
  /** A refusal that the prompt asked for. */
  refusalIn(draft: Draft, request: ModelRequest): Refused | undefined;
  write(request: ModelRequest, draft: Draft, id: string, isBatch: boolean): object;
}

/** The answer to a live call, or the refusal that its prompt asked for. */
export async function answerLive(
  { statistics, wait }: SandboxContext,
  vendor: VendorName,
  form: AnswerForm,
  request: ModelRequest,
): Promise<object> {
  const draft = draftAnswer(request);
  if (draft.slowMs > 0) await wait(draft.slowMs);
  const refusal = form.refusalIn(draft, request);
  if (refusal !== undefined) throw refusal.status === 0 ? new Refused(500, refusal.message) : refusal;
  if (!draft.outcome.endsWith('error')) statistics.answered(vendor, request.prompt);
  return form.write(request, draft, newId(), false);
}
