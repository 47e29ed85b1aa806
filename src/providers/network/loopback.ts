/** This machine's own addresses; apart from the proxies, so that commands which call nobody need not load them. */

/** Whether an address is this very machine's. */
export function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
