/**
 * Whose answers these are. An answer of one server is never given out as another's: the cache and the journals keep
 * apart what came from different addresses. The vendor's own addresses are one; answers of any other belong to the
 * address, or to the name that was given in its place.
 */

import { createHash } from 'node:crypto';
import type { AnswerServer } from '../../cache/answer-keys.ts';
import type { ProviderName } from '../../core/models.ts';
import { isServerName, sandboxKey, sandboxName } from '../../core/names.ts';
import { type GivenHeaders, isOfCaller } from '../../core/request/headers.ts';
import type { MarkedProvider } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { LoomHome } from '../../storage/home.ts';

/** What is known of where a run asks. */
export interface ServerChoice {
  /** Undefined: the vendor's own address. */
  readonly baseUrl?: string | undefined;
  /** What people call it, in place of its address. */
  readonly serverName?: string | undefined;
  readonly apiKey?: string | undefined;
  /** What else is sent with each request. */
  readonly headers?: GivenHeaders | undefined;
}

/** The name under which the answers of a server are kept: in records, in entries of the cache. */
export function nameServer(
  { isSandbox }: Pick<LoomHome, 'isSandbox'>,
  provider: ProviderName,
  { baseUrl, serverName, headers }: ServerChoice,
): string {
  if (isSandbox) return sandboxName;
  if (serverName !== undefined) return serverName;
  return nameAddress(provider, baseUrl) + nameRoute(headers);
}

function nameAddress(provider: ProviderName, baseUrl: string | undefined): string {
  const [own, ...regions] = providerEntry(provider).addresses;
  if (baseUrl === undefined) return plainAddress(own);
  const address = plainAddress(baseUrl);
  return regions.includes(address) ? own : address;
}

/** What headers add to it by which a gateway may choose another model: their names, and a digest that tells their values apart. */
function nameRoute(headers: GivenHeaders = {}): string {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const routing = entries.filter(([name]) => !isOfCaller(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (routing.length === 0) return '';
  const digest = createHash('sha256').update(JSON.stringify(routing)).digest('hex').slice(0, 12);
  return ` with ${routing.map(([name]) => name).join(',')} ${digest}`;
}

/**
 * The same where a sandbox may answer at the address, as people set it by hand with the key that it gives them: what it
 * makes up has a place of its own, in which no run looks that asks another server there.
 */
export function findServer(
  home: Pick<LoomHome, 'isSandbox'>,
  provider: ProviderName,
  choice: ServerChoice,
): string {
  const name = nameServer(home, provider, choice);
  const isRehearsal = choice.baseUrl !== undefined && choice.apiKey === sandboxKey;
  return !home.isSandbox && isRehearsal ? nameSandbox(name) : name;
}

const sandboxPrefix = `${sandboxName} `;

/** Neither an address nor the name of a server begins so. */
function nameSandbox(name: string): string {
  return isSandboxServer(name) ? name : `${sandboxPrefix}${name}`;
}

/** Whether people named the server, in place of its address. */
export function isNamedServer(name: string): boolean {
  return isServerName(name.startsWith(sandboxPrefix) ? name.slice(sandboxPrefix.length) : name);
}

/** Whether the answers of a server are made up. */
export function isSandboxServer(name: string): boolean {
  return name === sandboxName || name.startsWith(sandboxPrefix);
}

/**
 * An address as answers belong to it: scheme, host, port and path, each written in one way; without user, query, or the
 * slash at its end.
 */
export function plainAddress(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  // A dot at the end of a host says that it is whole.
  return `${protocol}//${host.replace(/\.(?=:\d+$|$)/, '')}${pathname.replace(/\/+$/, '')}`;
}

/** Notes that a sandbox answered where another server was looked for: to be saved. */
export function noteSandbox(owner: { server?: string | null | undefined }, provider: MarkedProvider): void {
  if (owner.server && provider.isSandbox?.()) owner.server = nameSandbox(owner.server);
}

/** Whether two names are of one server, whatever was found to answer there. */
export function isSameServer(one: string, other: string): boolean {
  return nameSandbox(one) === nameSandbox(other);
}

/** As the cache knows it: plain names of entries are for the vendor itself, and for rehearsals, which have a cache of their own. */
export function describeServer(provider: ProviderName, name: string): AnswerServer {
  const { addresses, isOwn } = providerEntry(provider);
  return { name, isPlain: (name === addresses[0] && !isOwn) || name === sandboxName };
}

/** What sets the journals of one server apart: nothing at the vendor's own address, and in rehearsals. */
export function placeOfServer(provider: ProviderName, name: string): string | undefined {
  return describeServer(provider, name).isPlain ? undefined : name;
}
