/**
 * One look-up of a name for all connections that are made to it at about the same time: hundreds of calls begin at once,
 * and the system looks up only four names at a time. What callers may rely on:
 * - A look-up that is under way is shared by whoever asks meanwhile.
 * - Its addresses are taken for some seconds, and no longer than until a connection to that name fails.
 * - A failure is told to those who waited for it, and to nobody else.
 */
import dns, { type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** Looks up all addresses of a name, as `dns.lookup` does. */
export type LookUp = (
  name: string,
  options: { readonly all: true; readonly family?: number; readonly hints?: number },
  tell: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface SharedLookups {
  /** For `net.connect` and `tls.connect`. */
  readonly lookup: LookupFunction;
  /** Called when a connection to a name fails: the next one asks again. */
  forget(name: string): void;
}

/** Shorter than the names of services that move their addresses are told for. */
const lifeMs = 10_000;

interface Known {
  readonly addresses: Promise<LookupAddress[]>;
  /** By the clock of `performance`; undefined while it is under way. */
  until: number | undefined;
}

export function shareLookups(lookUp: LookUp = dns.lookup as LookUp): SharedLookups {
  const known = new Map<string, Map<string, Known>>();

  function find(name: string, family: number | undefined, hints: number | undefined): Known {
    const ofName = known.get(name) ?? new Map<string, Known>();
    known.set(name, ofName);
    const kind = `${family} ${hints}`;
    const held = ofName.get(kind);
    if (held && (held.until === undefined || performance.now() < held.until)) return held;
    const addresses = new Promise<LookupAddress[]>((resolve, reject) => {
      const options = {
        all: true,
        ...(family !== undefined && { family }),
        ...(hints !== undefined && { hints }),
      } as const;
      lookUp(name, options, (error, found) => (error ? reject(error) : resolve(found)));
    });
    const fresh: Known = { addresses, until: undefined };
    ofName.set(kind, fresh);
    addresses.then(
      () => {
        fresh.until = performance.now() + lifeMs;
      },
      () => ofName.delete(kind),
    );
    return fresh;
  }

  return {
    lookup(name, { all, family, hints }, tell) {
      const number = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
      find(name, number, hints).addresses.then(
        (addresses) => {
          const [first] = addresses;
          if (all) tell(null, addresses);
          else tell(null, first?.address ?? '', first?.family);
        },
        (error: NodeJS.ErrnoException) => tell(error, all ? [] : '', 0),
      );
    },
    forget: (name) => void known.delete(name),
  };
}
