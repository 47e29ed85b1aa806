/** Which proxy a call goes through, as the variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment say. */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { ProviderError } from '../../core/errors.ts';
import { isLoopback } from './loopback.ts';

export interface HttpProxy {
  /** The variable that names it, as it is written in the environment. */
  readonly variable: string;
  /** Without user, password and path: `http://proxy.example.com:3128`. */
  readonly address: string;
  /** The value of Proxy-Authorization. Never part of a message. */
  readonly authorization: string | undefined;
}

/**
 * Undefined where the call goes directly. As in Node.js itself HTTP_PROXY serves https addresses too where HTTPS_PROXY
 * is not set, and a variable in lower case wins. ProviderError `invalid_proxy` names the variable and its value.
 */
export function findProxy(target: URL, variables: NodeJS.ProcessEnv): HttpProxy | undefined {
  // A proxy can't reach this machine's own loopback.
  if (isLoopback(target.href)) return undefined;
  const named =
    (target.protocol === 'https:' && readVariable('HTTPS_PROXY', variables)) ||
    readVariable('HTTP_PROXY', variables);
  if (!named) return undefined;
  const exceptions = readVariable('NO_PROXY', variables)?.value ?? '';
  return isException(target, exceptions) ? undefined : readProxy(named.variable, named.value);
}

function readVariable(name: string, variables: NodeJS.ProcessEnv) {
  for (const variable of [name.toLowerCase(), name]) {
    const value = variables[variable]?.trim();
    if (value !== undefined) return value ? { variable, value } : undefined;
  }
  return undefined;
}

/** An address without a scheme is one of http, as everywhere. */
function addScheme(value: string): string {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
}

function readProxy(variable: string, value: string): HttpProxy {
  const text = addScheme(value);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // An @ behind the host is the end of a password with a / ? or # in it.
  if (!url?.hostname || `${url.pathname}${url.search}${url.hash}`.includes('@')) {
    throw invalidProxy(`${variable} is not the address of a proxy: ${withoutPassword(value)}`);
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw invalidProxy(`${variable} names a ${url.protocol.slice(0, -1)} proxy, ${withoutPassword(value)}`);
  }
  const { user, password, token } = readLogin(url);
  return { variable, address: url.origin, authorization: user || password ? `Basic ${token}` : undefined };
}

function readLogin(url: URL) {
  const [user, password] = [decode(url.username), decode(url.password)];
  return { user, password, token: Buffer.from(`${user}:${password}`).toString('base64') };
}

/** What nobody may read of the proxies that the environment names: their passwords, in each form that is sent. */
export function listProxySecrets(variables: NodeJS.ProcessEnv): string[] {
  return ['HTTPS_PROXY', 'HTTP_PROXY'].flatMap((name) => {
    const named = readVariable(name, variables);
    const text = named && addScheme(named.value);
    if (!text || !URL.canParse(text)) return [];
    const url = new URL(text);
    const { password, token } = readLogin(url);
    return password ? [password, url.password, token] : [];
  });
}

function invalidProxy(what: string): ProviderError {
  const advice =
    'Give it one such as http://proxy.example.com:3128 or http://user:password@proxy.example.com:3128, with special characters of the password percent-encoded (@ is %40).';
  return new ProviderError('run', 'invalid_proxy', `${what}. ${advice}`);
}

/** A % that stands for itself stays. */
function decode(text: string): string {
  return text.replace(/(%[\da-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
}

/** Before the last @ is the password; without any @, what stands in the place of a port may be one. */
function withoutPassword(value: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)$/is.exec(value) ?? [];
  const at = rest.lastIndexOf('@');
  return scheme + (at === -1 ? rest.replace(/:(?!\d*\/?$).*/s, ':…') : `…@${rest.slice(at + 1)}`);
}

/**
 * Names stand for themselves and all below them, with or without a dot or `*.` ahead; a port restricts the entry to
 * it. Addresses may be blocks (`10.0.0.0/8`), and `*` is everything.
 */
function isException(target: URL, exceptions: string): boolean {
  const host = target.hostname.replace(/^\[|\]$|\.$/g, '');
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  return exceptions.split(/[\s,]+/).some((entry) => {
    const hasPort = isIPv6(entry) || entry.includes('/') ? undefined : /^(.+):(\d+)$/.exec(entry);
    if (hasPort && hasPort[2] !== port) return false;
    const name = (hasPort?.[1] ?? entry).replace(/^\[(.*)\]$/, '$1').toLowerCase();
    return name === '*' || (isIP(host) ? isInBlock(host, name) : isBelow(host, name.replace(/^\*?\./, '')));
  });
}

function isBelow(host: string, name: string): boolean {
  return name !== '' && (host === name || host.endsWith(`.${name}`));
}

function isInBlock(address: string, block: string): boolean {
  const [start = '', bits] = block.split('/');
  if (!isIP(start)) return false;
  const family = (text: string) => (isIPv6(text) ? 'ipv6' : 'ipv4');
  const most = isIPv6(start) ? 128 : 32;
  const length = bits === undefined ? most : Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > most) return false;
  const blocks = new BlockList();
  blocks.addSubnet(start, length, family(start));
  return blocks.check(address, family(address));
}
