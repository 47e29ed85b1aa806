/** Questions ahead of what can't be undone. */
import { LoomError } from '../../core/errors.ts';
import type { Terminal } from './terminal.ts';

/** Whether the answer is yes. LoomError `state` with the refusal where there is nobody to ask. */
export async function askFor(
  terminal: Terminal,
  { question, refusal, hint }: { readonly question: string; readonly refusal: string; readonly hint: string },
): Promise<boolean> {
  if (!terminal.canAsk) throw new LoomError('state', refusal, { hint });
  const answer = await terminal.confirm(question);
  if (answer === 'no') terminal.note('Aborted.');
  return answer === 'yes';
}
