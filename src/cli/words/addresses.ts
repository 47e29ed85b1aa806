/** Addresses in messages. */

/** Without user info and query, where keys may stand. */
export function showAddress(address: string): string {
  if (!URL.canParse(address)) return '[no address]';
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
