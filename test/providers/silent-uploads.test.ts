import { rm, truncate } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adapters, apiKey, failureOf, never, writeRequests } from './conformance.ts';

/** A server that takes the beginning of an upload, and nothing more. */

const sockets = new Set<Socket>();
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.pause());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it.each(adapters)('an upload that $title takes no more of is given up', async ({ openBatch }) => {
  const provider = await openBatch?.({ apiKey, baseUrl: url, environment: {}, timeoutMs: 1_000 });
  if (!provider) throw new Error('no batches');
  const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
  // More than the buffers of both sides take.
  await truncate(file.path, 64 * 1024 * 1024);
  const call = provider.upload
    ? provider.upload(file, never)
    : provider.create({ file, fileId: undefined }, { model: 'model-1', tag: 't' }, never);
  expect(await failureOf(call)).toMatchObject({ scope: 'retry', code: 'timeout', status: undefined });
  await rm(file.path);
});
