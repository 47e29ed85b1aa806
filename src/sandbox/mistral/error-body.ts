/** The body of a refusal, which a failed row of a job holds too, as a text. */
import type { Refused } from '../http/http.ts';

/** A key is refused in another form than all else. */
export function mistralErrorBody({ status, message, details }: Refused): object {
  if (status === 401) return { detail: message };
  const type = details.code ?? (status >= 500 ? 'internal_error' : 'invalid_request_error');
  return { object: 'error', message, type, param: details.field ?? null, code: String(status * 10) };
}
