/** What goes wrong on the way to a provider: a proxy that refuses, a certificate that nobody vouches for. */
import { ProviderError } from '../../core/errors.ts';
import type { HttpProxy } from '../network/proxies.ts';
import { causesOf } from './causes.ts';
import type { HttpAnswer } from './http-call.ts';
import { Silence } from './silence.ts';
import { TunnelRefused } from './tunnels.ts';

const unknownAuthority = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
];

/** The reason of a call that failed where that lies on the way: a proxy, a certificate. Undefined where it does not. */
export function readRouteFailure(
  failure: unknown,
  target: URL,
  proxy: HttpProxy | undefined,
  variables: NodeJS.ProcessEnv,
): ProviderError | undefined {
  if (failure instanceof ProviderError) return failure;
  const causes = causesOf(failure);
  const { message = '', syscall = '' } = causes.at(-1) ?? {};
  const code = causes.findLast((error) => typeof error.code === 'string')?.code ?? '';
  if (unknownAuthority.includes(code)) {
    return refuseAuthority(code, describeEnds(target, proxy), variables.NODE_EXTRA_CA_CERTS);
  }
  if (/^(CERT_|ERR_TLS_CERT_)/.test(code)) {
    const what = `The certificate of ${describeEnds(target, proxy)} can't be trusted: ${message}`;
    return new ProviderError('run', 'certificate', endSentence(what));
  }
  return proxy && readProxyFailure(failure, { code, message, syscall }, target, proxy);
}

/** The reason where a proxy, and not the provider behind it, says no to a call that it was to pass on. */
export function readProxyRefusal(
  { status }: Pick<HttpAnswer, 'status'>,
  target: URL,
  proxy: HttpProxy | undefined,
): ProviderError | undefined {
  return proxy && status === 407 && target.protocol === 'http:'
    ? refuseByProxy(status, target, proxy)
    : undefined;
}

function readProxyFailure(
  failure: unknown,
  { code, message, syscall }: { readonly code: string; readonly message: string; readonly syscall: string },
  target: URL,
  proxy: HttpProxy,
): ProviderError | undefined {
  if (failure instanceof TunnelRefused) return refuseByProxy(failure.status, target, proxy);
  if (/wrong.version.number|packet.length.too.long/i.test(`${code} ${message}`)) {
    const other = proxy.address.replace(/^https:/, 'http:');
    const what = `${describeProxy(proxy)} does not speak TLS. Set ${proxy.variable} to ${other}, if that is how it is meant.`;
    return proxy.address === other ? undefined : new ProviderError('run', 'proxy', what);
  }
  if (failure instanceof Silence) {
    const who = describeProxy(proxy).replace('The', 'the');
    const what = `The provider, or ${who} on the way to it, took too long to answer.`;
    return new ProviderError('retry', 'timeout', what);
  }
  if (!/^(connect|getaddrinfo)$/.test(syscall) && !/CONNECT_TIMEOUT/.test(code)) return undefined;
  const what = `${describeProxy(proxy)} can't be reached: ${message}`;
  return new ProviderError('retry', 'connection', endSentence(what));
}

/** A proxy that said no to a tunnel, or to any call without the password. */
function refuseByProxy(status: number, target: URL, proxy: HttpProxy): ProviderError {
  const who = describeProxy(proxy);
  // tinyproxy says 401 to a wrong password.
  if (status === 407 || status === 401) {
    const what = proxy.authorization
      ? `${who} does not take the user and password in ${proxy.variable} (${status}). Check them, and percent-encode special characters.`
      : `${who} asks for a user and a password (${status}). Set ${proxy.variable} to ${proxy.address.replace('//', '//user:password@')}.`;
    return new ProviderError('run', 'proxy', what);
  }
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  const what = `${who} did not connect to ${target.hostname}:${port} (${status})`;
  if (status >= 500 || status === 408 || status === 429)
    return new ProviderError('retry', 'connection', `${what}.`);
  return new ProviderError(
    'run',
    'proxy',
    `${what}. Have the proxy allow it, or pass the proxy by: NO_PROXY=${target.hostname}.`,
  );
}

function refuseAuthority(code: string, whose: string, path: string | undefined): ProviderError {
  const advice = path
    ? `NODE_EXTRA_CA_CERTS is ${path}: it must hold the certificate of that authority, in PEM form.`
    : 'If the network or the server has an authority of its own, name the file of its certificate: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.';
  const what = `The certificate of ${whose} comes from an authority that is not known here (${code}).`;
  return new ProviderError('run', 'certificate', `${what} ${advice}`);
}

/** Whose certificate it may be. */
function describeEnds(target: URL, proxy: HttpProxy | undefined): string {
  return proxy?.address.startsWith('https:')
    ? `${target.host} or of the proxy ${proxy.address}`
    : target.host;
}

function describeProxy({ address, variable }: HttpProxy): string {
  return `The proxy ${address} (${variable})`;
}

function endSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
