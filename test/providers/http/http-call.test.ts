/** Connections and what becomes of calls on them, with servers that see each connection. */
import { getEventListeners, once } from 'node:events';
import http, { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createConnectionServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWhole } from '../../../src/providers/http/bodies.ts';
import { type HttpCall, makeCall, NotSent } from '../../../src/providers/http/http-call.ts';
import { openRoutes, type Route } from '../../../src/providers/http/routes.ts';
import { Silence } from '../../../src/providers/http/silence.ts';
import { failureOf } from '../conformance.ts';

let serve: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
let sockets: Socket[];
let calls: number;
let server: http.Server;
let target: URL;
let route: Route;

beforeEach(async () => {
  sockets = [];
  calls = 0;
  serve = (_, outgoing) => outgoing.end('fine');
  server = createServer((incoming, outgoing) => {
    calls += 1;
    serve(incoming, outgoing);
  });
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/x?y=1`);
  route = openRoutes({})(target);
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const callOf = (more: Partial<HttpCall> = {}): HttpCall => ({
  ...{ method: 'POST', target, headers: [['Content-Type', 'text/plain']], body: 'Hi' },
  ...{ signal: undefined, silenceMs: 0 },
  ...more,
});
const ask = async (more?: Partial<HttpCall>) => {
  const answer = await makeCall(route, callOf(more));
  return (await readWhole(answer, 1_000_000)).toString();
};

describe('a connection', () => {
  it('serves one call after the other', async () => {
    for (let call = 0; call < 3; call++) expect(await ask()).toBe('fine');
    expect(sockets).toHaveLength(1);
  });

  it('is made for each call that goes out at the same time, and no more of them', async () => {
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(sockets).toHaveLength(20);
  });

  it('is not kept where its server closes it a second later', async () => {
    serve = (_, outgoing) => outgoing.setHeader('keep-alive', 'timeout=1').end('fine');
    await ask();
    await ask();
    expect(sockets).toHaveLength(2);
  });

  it('is closed when its call is stopped ahead of the answer', async () => {
    const stop = new AbortController();
    serve = () => stop.abort(new Error('stopped'));
    expect(await failureOf(ask({ signal: stop.signal }))).toMatchObject({ message: 'stopped' });
    await untilClosed(sockets[0]);
  });

  it('is closed when its call is stopped within the answer', async () => {
    const stop = new AbortController();
    serve = (_, outgoing) => void outgoing.write('half of ');
    const answer = await makeCall(route, callOf({ signal: stop.signal }));
    const reading = failureOf(readWhole(answer, 100));
    stop.abort(new Error('stopped'));
    expect(await reading).toMatchObject({ message: 'stopped' });
    await untilClosed(sockets[0]);
  });
});

const untilTrue = async (isTrue: () => boolean) => {
  while (!isTrue()) await sleep(5);
};
const untilClosed = (socket: Socket | undefined) =>
  new Promise<void>((resolve) => {
    if (!socket || socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

describe('a call', () => {
  it('goes out with its length, its headers and nothing that the caller can set for the connection', async () => {
    let seen: IncomingMessage['headers'] = {};
    serve = (incoming, outgoing) => {
      seen = incoming.headers;
      outgoing.end(incoming.url);
    };
    const headers: [string, string][] = [
      ['X-Key', 'a'],
      ['Connection', 'close'],
      ['Content-Length', '9'],
    ];
    expect(await ask({ body: 'Grüße', headers })).toBe('/v1/x?y=1');
    expect(seen).toEqual({
      host: target.host,
      connection: 'keep-alive',
      'x-key': 'a',
      accept: '*/*',
      'accept-encoding': 'gzip, deflate',
      'content-length': '7',
    });
  });

  it('is not sent again when a kept connection is reset under it: the server may have taken it', async () => {
    await ask();
    serve = (incoming) => void incoming.socket.destroy();
    const failure = await failureOf(ask());
    expect(failure).toMatchObject({ code: 'ECONNRESET' });
    expect(failure).not.toBeInstanceOf(NotSent);
    expect([calls, sockets.length]).toEqual([2, 1]);
  });

  it('says so where a kept connection was closed before a byte of it went out', async () => {
    const agent = new http.Agent({ keepAlive: true });
    const reuse = agent.reuseSocket.bind(agent);
    agent.reuseSocket = (socket, request) => {
      reuse(socket, request);
      socket.destroy();
    };
    const { hostname, port, pathname } = target;
    route = {
      open: (method, _, headers) =>
        http.request({ method, hostname, port, path: pathname, headers: [...headers], agent }),
      proxy: undefined,
    };
    await ask();
    expect(await failureOf(ask())).toBeInstanceOf(NotSent);
    expect(calls).toBe(1);
  });

  it('is given up when nothing comes for too long, ahead of the answer and within it', async () => {
    serve = () => {};
    expect(await failureOf(ask({ silenceMs: 50 }))).toBeInstanceOf(Silence);
    serve = (_, outgoing) => void outgoing.write('half of ');
    expect(await failureOf(ask({ silenceMs: 50 }))).toBeInstanceOf(Silence);
  });

  it('has all the time that its own reader takes', async () => {
    const text = 'x'.repeat(500_000);
    serve = (_, outgoing) => outgoing.end(text);
    const answer = await makeCall(route, callOf({ silenceMs: 1_000 }));
    await once(answer.body, 'readable');
    await sleep(2_500);
    expect((await readWhole(answer, 1_000_000)).toString()).toBe(text);
  });

  it('is given up when nothing comes any more, also after its reader has paused', async () => {
    serve = (_, outgoing) => void outgoing.write('x'.repeat(500_000));
    const answer = await makeCall(route, callOf({ silenceMs: 100 }));
    await once(answer.body, 'readable');
    await sleep(300);
    expect(await failureOf(readWhole(answer, 1_000_000))).toBeInstanceOf(Silence);
  });

  it('leaves nothing on the signal that may stop it', async () => {
    const { signal } = new AbortController();
    for (let call = 0; call < 20; call++) await ask({ signal });
    await untilTrue(() => getEventListeners(signal, 'abort').length === 0);
  });

  it('ends the way through a proxy that it waits for when it is aborted', async () => {
    const taken: Socket[] = [];
    const silent = createConnectionServer((socket) => void taken.push(socket.resume().on('error', () => {})));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const proxy = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const place = new URL('https://model.test/v1');
    const stop = new AbortController();
    const failure = failureOf(
      makeCall(openRoutes({ HTTPS_PROXY: proxy })(place), callOf({ target: place, signal: stop.signal })),
    );
    await untilTrue(() => taken.length === 1);
    stop.abort(new Error('enough'));
    expect(await failure).toMatchObject({ message: 'enough' });
    await untilClosed(taken[0]);
    await new Promise((resolve) => silent.close(resolve));
  });

  it('ends with an answer that comes ahead of the end of an upload, also where the server closes nothing', async () => {
    const taken: Socket[] = [];
    const refusing = createConnectionServer((socket) => {
      taken.push(socket.on('error', () => {}));
      socket.once('data', () => socket.write('HTTP/1.1 413 No\r\ncontent-length: 8\r\n\r\ntoo much'));
      socket.resume();
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const place = new URL(`http://127.0.0.1:${(refusing.address() as AddressInfo).port}/`);
    async function* endless() {
      for (;;) yield Buffer.alloc(100_000);
    }
    const answer = await makeCall(openRoutes({})(place), callOf({ target: place, body: endless() }));
    expect(answer.status).toBe(413);
    expect((await readWhole(answer, 100)).toString()).toBe('too much');
    await untilClosed(taken[0]);
    await new Promise((resolve) => refusing.close(resolve));
  });

  it('fails when its body does', async () => {
    serve = (incoming) => void incoming.resume();
    async function* broken() {
      yield Buffer.from('x');
      throw new Error('the file is gone');
    }
    expect(await failureOf(ask({ body: broken() }))).toMatchObject({ message: 'the file is gone' });
  });

  it('has no body where its answer has none', async () => {
    serve = (_, outgoing) => outgoing.writeHead(204).end();
    expect(await ask()).toBe('');
    serve = (_, outgoing) => outgoing.writeHead(200, { 'content-length': '500' }).end();
    expect(await ask({ method: 'HEAD', body: undefined })).toBe('');
    expect(sockets).toHaveLength(1);
  });
});
