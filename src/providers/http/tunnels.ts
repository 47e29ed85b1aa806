/** A tunnel through a proxy, by CONNECT: the proxy sees nothing of what goes through. */

import { mostHeadBytes } from '../network/limits.ts';
import type { HttpProxy } from '../network/proxies.ts';
import { Silence } from './silence.ts';
import { connectTimeoutMs, type OpenRequest, type OpenWay } from './sockets.ts';

/** A proxy said no to a tunnel. */
export class TunnelRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`The proxy answered CONNECT with ${status}`);
    this.status = status;
  }
}

/** `openRequest` leads to the proxy. A proxy that says nothing to CONNECT is as good as one out of reach: Silence. */
export function openTunnels({ address, authorization }: HttpProxy, openRequest: OpenRequest): OpenWay {
  const { hostname, port } = new URL(address);
  return ({ host, port: targetPort, waySignal }) =>
    new Promise((resolve, reject) => {
      const path = `${host?.includes(':') ? `[${host}]` : host}:${targetPort}`;
      const login = authorization === undefined ? [] : ['proxy-authorization', authorization];
      const request = openRequest({
        method: 'CONNECT',
        path,
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port || undefined,
        headers: ['host', path, 'connection', 'keep-alive', 'proxy-connection', 'keep-alive', ...login],
        maxHeaderSize: mostHeadBytes,
      });
      request.once('connect', ({ statusCode = 0 }, socket) => {
        if (statusCode === 200) return resolve(socket);
        socket.destroy();
        reject(new TunnelRefused(statusCode));
      });
      request.on('error', reject);
      const stop = () => request.destroy(waySignal?.reason);
      waySignal?.addEventListener('abort', stop, { once: true });
      request.once('close', () => waySignal?.removeEventListener('abort', stop));
      request.setTimeout(connectTimeoutMs, () => request.destroy(new Silence()));
      request.end();
    });
}
