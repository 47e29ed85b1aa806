/** Heads of answers that no server should send, and some do: what stands behind them is an answer all the same. */
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainContent } from '../../src/core/request/content.ts';
import { builtInNames, providerEntry } from '../../src/providers/registry.ts';
import { apiKey, never } from './conformance.ts';

/** In the form of every provider at once. */
const body = JSON.stringify({
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  ...{ type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
  candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }],
});

let statusLine: string;
let calls = 0;
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => {
    calls += 1;
    const head = [statusLine, 'content-type: application/json', 'connection: close'].join('\r\n');
    socket.end(`${head}\r\n\r\n${body}`);
  });
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe.each(builtInNames.map(providerEntry))('$title', (entry) => {
  it.each(['HTTP/1.1 200 Всё хорошо', 'HTTP/1.1 200 a\u0001b', 'HTTP/1.1 200', 'HTTP/1.0 299 \u2713'])(
    'reads the answer behind %j, asked once',
    async (line) => {
      statusLine = line;
      calls = 0;
      const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const provider = await entry.openSync({ apiKey, baseUrl, environment: {}, timeoutMs: 60_000 });
      const request = { customId: 'row-0-1a2b3c4d', model: 'model-1', content: plainContent('Hi') };
      expect(await provider.generate(request, never)).toMatchObject({ outcome: 'succeeded', text: 'Hello' });
      expect(calls).toBe(1);
    },
  );
});
