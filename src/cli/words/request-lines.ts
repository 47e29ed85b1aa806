/** The lines of --verbose: one for each request to a provider. */
import type { RequestNotice } from '../../providers/connection.ts';

/** `POST api.openai.com/v1/batches 200, 412 ms, request req_abc` */
export function describeRequest(notice: RequestNotice): string {
  const { method, address, status, failure, durationMs, attempt, requestId } = notice;
  const facts = [`${method} ${address} ${status ?? 'no answer'}`, `${durationMs} ms`];
  if (attempt > 1) facts.push(`attempt ${attempt}`);
  if (requestId) facts.push(`request ${requestId}`);
  return `${facts.join(', ')}${failure ? `: ${failure}` : ''}`;
}
