/** What a call is answered with when a fault has chosen it. */
import type { ServerResponse } from 'node:http';
import type { Vendor } from './engine/vendor.ts';
import type { Fate } from './faults.ts';
import { putInFrame } from './http/frames.ts';
import { type Answer, Refused, send, sendPart } from './http/http.ts';

/** True when the call is answered without its work being done. */
export function preventsWork(fate: Fate): boolean {
  if (fate.do === 'cut') return fate.at === 'request';
  return fate.do === 'bodyError' || ((fate.do === 'status' || fate.do === 'html') && !fate.afterWork);
}

/** True when the answer to the call does not get through. */
export function losesAnswer(fate: Fate | undefined): boolean {
  return fate !== undefined && fate.do !== 'frame';
}

/** The status by which the statistics count the call. */
export function statusOf(fate: Fate | undefined, answer: Answer): number | 'cut' {
  if (fate === undefined || fate.do === 'frame') return answer.status;
  return 'status' in fate ? fate.status : 'cut';
}

/** Sends, or does not send, the answer to a call. */
export async function sendWithFate(
  response: ServerResponse,
  answer: Answer,
  fate: Fate,
  vendor: Vendor,
): Promise<void> {
  switch (fate.do) {
    case 'frame':
      return send(response, answer.status === 200 ? putInFrame(answer, fate.as) : answer);
    case 'status':
      return send(response, refusal(fate, vendor));
    case 'html': {
      const body = `<html><head><title>${fate.status}</title></head><body>upstream error</body></html>\n`;
      return send(response, { status: fate.status, headers: { 'content-type': 'text/html' }, body });
    }
    case 'bodyError':
      return send(response, { ...refusal(fate, vendor), status: 200 });
    case 'empty':
      return send(response, { ...answer, status: 200, body: '' });
    case 'garble': {
      const { body } = answer;
      const half = typeof body === 'string' ? body.slice(0, Math.floor(body.length / 2)) : '{"cut';
      return send(response, { ...answer, body: half });
    }
    case 'stall':
      // Nothing more is said until the client gives up or the sandbox closes.
      await sendPart(response, answer, fate.afterBytes ?? 1, () => {});
      if (!response.destroyed) await new Promise<void>((resolve) => response.once('close', resolve));
      return;
    case 'cut':
      if (fate.at === 'request') response.socket?.resetAndDestroy();
      else if (fate.at === 'reply') response.socket?.destroy();
      else await sendPart(response, answer, fate.afterBytes, (socket) => socket?.destroy());
  }
}

function refusal(fate: Extract<Fate, { do: 'status' | 'bodyError' }>, vendor: Vendor): Answer {
  const usual = `The sandbox was told to answer ${fate.status}.`;
  if (fate.do === 'bodyError') return vendor.error(new Refused(fate.status, usual));
  const { status, message = usual, code, retryAfter, retryAfterMs = retryAfter && retryAfter * 1000 } = fate;
  const answer = vendor.error(new Refused(status, message, { code, retryAfterMs }));
  // Google sends no such header: the wait is in the body.
  if (vendor.name === 'google') return answer;
  const waits = { 'retry-after': retryAfter, 'retry-after-ms': fate.retryAfterMs };
  const told = Object.entries(waits).filter(([, wait]) => wait !== undefined);
  const headers = Object.fromEntries(told.map(([header, wait]) => [header, String(wait)]));
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
