/** A tiny HTTP server for answers that no sandbox gives: it records every request and answers by script. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Response {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  readonly body: unknown;
}

/** A refusal, as all providers have it. */
export function refusal(
  status: number,
  message: string,
  fields: object = {},
  headers: Record<string, string> = {},
): Response {
  return { status, headers, body: { type: 'error', error: { message, ...fields } } };
}

/** An answer to a live call, in the form of every provider. */
export function say(text: string, finishReason = 'stop'): Response {
  return {
    body: {
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason }],
      ...{ type: 'message', role: 'assistant', content: [{ type: 'text', text }], stop_reason: 'end_turn' },
      candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP' }],
      ...{ input_tokens: 3, totalTokens: 3 },
    },
  };
}

export interface HttpServer {
  readonly url: string;
  /** In the order in which they came. */
  readonly requests: Received[];
  close(): Promise<void>;
}

export async function startHttpServer(
  answer: (request: Received) => Response | Promise<Response>,
): Promise<HttpServer> {
  const requests: Received[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request: Received = {
      method: incoming.method ?? '',
      path: (incoming.url ?? '').replace(/\?.*/, ''),
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    requests.push(request);
    const { status = 200, headers = {}, body } = await answer(request);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
    outgoing.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
