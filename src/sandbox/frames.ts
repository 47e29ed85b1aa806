/** The same answers in frames that servers and proxies put around them. */
import type { Answer } from './http.ts';

/** Names of frames, as faults have them. */
export const frameNames = ['text', 'bare', 'mark', 'quoted', 'wrapped', 'unpacked'] as const;
export type FrameName = (typeof frameNames)[number];

/** The answer as it was, in another frame. What comes piece by piece is neither quoted nor wrapped. */
export function putInFrame(answer: Answer, name: FrameName): Answer {
  const { headers, body } = answer;
  switch (name) {
    case 'text':
      return { ...answer, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' } };
    case 'bare': {
      const { 'content-type': _, ...rest } = headers;
      return { ...answer, headers: rest };
    }
    case 'mark':
      return { ...answer, body: typeof body === 'string' ? `\ufeff${body}` : putAhead('\ufeff', body) };
    case 'quoted':
      return typeof body === 'string' ? { ...answer, body: JSON.stringify(body) } : answer;
    case 'wrapped':
      return typeof body === 'string' ? { ...answer, body: `{"error":null,"data":${body}}` } : answer;
    case 'unpacked':
      return { ...answer, headers: { ...headers, 'content-encoding': 'gzip' } };
  }
}

async function* putAhead(
  start: string,
  body: AsyncIterable<string | Buffer>,
): AsyncGenerator<string | Buffer> {
  yield start;
  yield* body;
}
