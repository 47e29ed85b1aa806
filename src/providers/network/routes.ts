/** The way to an address: straight to it or through a proxy, with our time limits. */
import { mostHeadBytes } from './limits.ts';
import { showWholeAnswer } from './packings.ts';
import { findProxy, type HttpProxy } from './proxies.ts';

/** undici's own types and those of the built-in fetch differ in name only. */
type Dispatcher = NonNullable<RequestInit['dispatcher']>;

export interface Route {
  readonly dispatcher: Dispatcher;
  /** Undefined: the way is straight. */
  readonly proxy: HttpProxy | undefined;
}

const connectTimeoutMs = 30_000;

/**
 * Finds routes; calls to the same place share connections. The built-in fetch gives up after 300 s of silence and knows
 * no proxies; undici's dispatchers lift both. A time of 0 sets no limit to silence. Bodies come as they are sent, for
 * `unpackBody`. A route throws ProviderError `invalid_proxy`.
 */
export async function openRoutes(
  timeoutMs: number,
  variables: NodeJS.ProcessEnv,
): Promise<(target: URL) => Route> {
  const { Agent, Pool, ProxyAgent } = await import('undici');
  const limits = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxHeaderSize: mostHeadBytes };
  const connect = { timeout: connectTimeoutMs };

  /** A tunnel by CONNECT, through which the proxy sees nothing. */
  const tunnelThrough = ({ address, authorization }: HttpProxy) =>
    new ProxyAgent({
      uri: address,
      ...(authorization && { token: authorization }),
      ...limits,
      proxyTls: connect,
      requestTls: connect,
      // A proxy that says nothing to CONNECT is as good as one out of reach.
      clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: connectTimeoutMs }),
    });

  /** The whole address in the request line: squid opens no tunnels but to port 443. */
  const forwardThrough = ({ address, authorization }: HttpProxy) =>
    new Pool(address, { ...limits, connect }).compose((dispatch) => (call, handler) => {
      const own = { host: new URL(String(call.origin)).host, 'proxy-authorization': authorization };
      const headers = addHeaders(call.headers, own);
      return dispatch({ ...call, origin: address, path: `${call.origin}${call.path}`, headers }, handler);
    });

  const straight = new Agent({ ...limits, connect });
  const routes = new Map<string, Route>();

  return (target) => {
    const known = routes.get(target.origin);
    if (known) return known;
    const proxy = findProxy(target, variables);
    const openWay = target.protocol === 'https:' ? tunnelThrough : forwardThrough;
    const way = proxy ? openWay(proxy) : straight;
    const route = { dispatcher: way.compose(showWholeAnswer) as unknown as Dispatcher, proxy };
    routes.set(target.origin, route);
    return route;
  };
}

/** The built-in fetch hands headers over as an object or as a flat list, by its version. */
function addHeaders(given: unknown, own: Readonly<Record<string, string | undefined>>) {
  const added = Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return Array.isArray(given)
    ? [...given, ...added.flat()]
    : { ...(given as object), ...Object.fromEntries(added) };
}
