/** The same answers in frames that servers and proxies put around them. */
import type { Answer } from './http.ts';

/** Names of frames, as faults have them. */
export const frameNames = ['text', 'bare', 'mark', 'quoted', 'wrapped', 'unpacked'] as const;
type FrameName = (typeof frameNames)[number];

/** The answer as it was, in another frame. What comes piece by piece is neither quoted nor wrapped. */
export function putInFrame(answer: Answer, name: FrameName): Answer {
  const { headers, body } = answer;
  const { 'content-type': _, ...bare } = headers;
  const text = typeof body === 'string' ? body : undefined;
  switch (name) {
    case 'text':
      return { ...answer, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' } };
    case 'bare':
      return { ...answer, headers: bare };
    case 'unpacked':
      return { ...answer, headers: { ...headers, 'content-encoding': 'gzip' } };
    case 'mark':
      return { ...answer, body: text === undefined ? putAhead('\ufeff', body) : `\ufeff${text}` };
    case 'quoted':
      return text === undefined ? answer : { ...answer, body: JSON.stringify(text) };
    case 'wrapped':
      return text === undefined ? answer : { ...answer, body: `{"error":null,"data":${text}}` };
  }
}

async function* putAhead(start: string, body: Answer['body']): AsyncGenerator<string | Buffer> {
  yield start;
  yield* body;
}
