/** Headers that a person gave: on each request to the provider's address, and on none to another. */
import type { VendorConnection } from '../connection.ts';
import type { Ask } from './request-notice.ts';

/** In which the SDKs send a key also where there is none. */
const keyNames = ['x-api-key', 'x-goog-api-key'];

/** What is given goes before what an SDK says: a gateway may want its own key in the place of the vendor's. */
export function sendHeaders(ask: Ask, { apiKey, headers = {}, baseUrl }: VendorConnection): Ask {
  const given = Object.entries(headers);
  if (given.length === 0 && apiKey !== undefined) return ask;
  const { origin } = new URL(baseUrl);
  return (address, init) => {
    // A signed address for an upload or a download, or where a redirect leads to.
    if (new URL(address).origin !== origin) return ask(address, init);
    const sent = new Headers(init.headers);
    if (apiKey === undefined) for (const name of keyNames) sent.delete(name);
    for (const [name, value] of given) sent.set(name, value);
    return ask(address, { ...init, headers: sent });
  };
}
