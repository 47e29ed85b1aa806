/**
 * Connections to one place, each for many calls: as many as there are calls at once. What callers may rely on:
 * - A connection that is not there after 30 seconds, TLS included, is given up: ConnectTimeout.
 * - One that no call uses is closed some time ahead of the moment at which its server would close it, so that hardly ever a
 *   call goes out on a connection that the server is closing. It keeps no process alive.
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SharedLookups } from './lookups.ts';

/** No connection came about in time. */
export class ConnectTimeout extends Error {
  readonly code = 'CONNECT_TIMEOUT';

  constructor() {
    super('Connecting timed out');
  }
}

export const connectTimeoutMs = 30_000;

/** How long a connection waits for its next call where its server does not say for how long it does. */
const idleMs = 4_000;
const longestIdleMs = 600_000;
/** By so much a connection is closed earlier than its server would. */
const aheadMs = 1_000;

/** How long the server of a connection said that it waits for another call. */
const toldIdleMs = new WeakMap<Duplex, number>();

/** To be called with each answer. */
export function noteIdleTime({ headers, socket }: http.IncomingMessage): void {
  const seconds = /\btimeout=(\d+)/.exec(String(headers['keep-alive'] ?? ''))?.[1];
  if (seconds !== undefined) toldIdleMs.set(socket, Number(seconds) * 1_000 - aheadMs);
}

/** With a signal that ends the making of a way; the connection behind it outlasts the request. */
type RequestOptions = http.RequestOptions & { readonly waySignal?: AbortSignal | undefined };

/** Opens requests on connections that outlast them. */
export type OpenRequest = (options: RequestOptions) => http.ClientRequest;

/** Puts a way, such as a tunnel, ahead of a connection: one over the socket that it opens. */
export type OpenWay = (options: RequestOptions) => Promise<Duplex>;

export function openSockets(isSecure: boolean, lookups: SharedLookups, openWay?: OpenWay): OpenRequest {
  const protocol = isSecure ? https : http;
  const agent = new protocol.Agent({
    keepAlive: true,
    keepAliveMsecs: 60_000,
    maxFreeSockets: Number.POSITIVE_INFINITY,
    scheduling: 'lifo',
    lookup: lookups.lookup,
  });
  closeIdle(agent);
  const createConnection = agent.createConnection.bind(agent);
  const connect = (options: http.ClientRequestArgs & { readonly socket?: Duplex }) => {
    const socket = createConnection(options) as Socket;
    limitConnecting(socket, isSecure, () => lookups.forget(options.host ?? ''));
    return socket;
  };
  agent.createConnection = (options, tell = () => {}) => {
    if (!openWay) return connect(options);
    openWay(options).then(
      (socket) => tell(null, connect({ ...options, socket })),
      (error: Error) => tell(error, undefined as unknown as Duplex),
    );
    return undefined;
  };
  return (options) => protocol.request({ ...options, agent });
}

function limitConnecting(socket: Socket, isSecure: boolean, onFailure: () => void): void {
  const timer = setTimeout(() => socket.destroy(new ConnectTimeout()), connectTimeoutMs);
  socket.once(isSecure ? 'secureConnect' : 'connect', () => {
    clearTimeout(timer);
    socket.off('error', onFailure);
  });
  socket.once('error', onFailure);
  socket.once('close', () => clearTimeout(timer));
}

/** An agent by itself keeps connections until their server closes them. */
function closeIdle(agent: http.Agent): void {
  const idle = new WeakSet<Duplex>();
  const watched = new WeakSet<Duplex>();
  const keep = agent.keepSocketAlive.bind(agent);
  const reuse = agent.reuseSocket.bind(agent);

  // The types say nothing of its result: whether the connection is kept.
  agent.keepSocketAlive = (socket: Duplex): boolean => {
    const waitMs = Math.min(toldIdleMs.get(socket) ?? idleMs, longestIdleMs);
    if (waitMs <= 0) return false;
    keep(socket);
    idle.add(socket);
    if (!watched.has(socket)) socket.on('timeout', () => void (idle.has(socket) && socket.destroy()));
    watched.add(socket);
    (socket as Socket).setTimeout(waitMs);
    return true;
  };
  agent.reuseSocket = (socket, request) => {
    idle.delete(socket);
    (socket as Socket).setTimeout(0);
    reuse(socket, request);
  };
}
