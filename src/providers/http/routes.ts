/** The way to an address: straight to it or through a proxy. */
import type { ClientRequest } from 'node:http';
import { mostHeadBytes } from '../network/limits.ts';
import { findProxy, type HttpProxy } from '../network/proxies.ts';
import { shareLookups } from './lookups.ts';
import { type OpenRequest, openSockets } from './sockets.ts';
import { openTunnels } from './tunnels.ts';

export interface Route {
  /**
   * Opens a request for this address. `headers` are names and values in turn; `signal` ends what is opened on the way to
   * it, and not the request.
   */
  open(
    method: string,
    target: URL,
    headers: readonly string[],
    signal?: AbortSignal | undefined,
  ): ClientRequest;
  /** Undefined: the way is straight. */
  readonly proxy: HttpProxy | undefined;
}

/**
 * Finds routes; calls to the same place share connections, and calls to the same name look it up once (sockets.ts,
 * lookups.ts). A route throws ProviderError `invalid_proxy`.
 */
export function openRoutes(variables: NodeJS.ProcessEnv): (target: URL) => Route {
  const lookups = shareLookups();
  const routes = new Map<string, Route>();

  function openStraight(isSecure: boolean): Route {
    const openRequest = openSockets(isSecure, lookups);
    return {
      open: (method, target, headers) => openAt(openRequest, target, method, pathOf(target), headers),
      proxy: undefined,
    };
  }

  /** By CONNECT, through which the proxy sees nothing. */
  function openTunnelled(proxy: HttpProxy): Route {
    const toProxy = openSockets(proxy.address.startsWith('https:'), lookups);
    const openRequest = openSockets(true, lookups, openTunnels(proxy, toProxy));
    return {
      open: (method, target, headers, signal) =>
        openAt(
          (options) => openRequest({ ...options, waySignal: signal }),
          target,
          method,
          pathOf(target),
          headers,
        ),
      proxy,
    };
  }

  /** The whole address in the request line: squid opens no tunnels but to port 443. */
  function openForwarded(proxy: HttpProxy): Route {
    const place = new URL(proxy.address);
    const openRequest = openSockets(place.protocol === 'https:', lookups);
    const login = proxy.authorization === undefined ? [] : ['proxy-authorization', proxy.authorization];
    return {
      open: (method, target, headers) =>
        openAt(openRequest, place, method, `${target.origin}${pathOf(target)}`, [...headers, ...login]),
      proxy,
    };
  }

  return (target) => {
    const known = routes.get(target.origin);
    if (known) return known;
    const proxy = findProxy(target, variables);
    const isSecure = target.protocol === 'https:';
    const route = proxy ? (isSecure ? openTunnelled(proxy) : openForwarded(proxy)) : openStraight(isSecure);
    routes.set(target.origin, route);
    return route;
  };
}

const pathOf = ({ pathname, search }: URL) => `${pathname}${search}`;

function openAt(
  openRequest: OpenRequest,
  { hostname, port, protocol }: URL,
  method: string,
  path: string,
  headers: readonly string[],
): ClientRequest {
  return openRequest({
    method,
    path,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port || (protocol === 'https:' ? 443 : 80),
    headers,
    maxHeaderSize: mostHeadBytes,
  });
}
