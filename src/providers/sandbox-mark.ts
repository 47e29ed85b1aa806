/**
 * How a sandbox is known: every answer of it bears a mark, also where people set its address by hand. What it makes up must
 * not be taken for a model's.
 */
import { providerNames } from '../names.ts';
import { isLoopback } from './loopback.ts';

const markHeader = 'x-loom-sandbox';

/** Whether an answer bears the mark. */
export function isMarked({ headers }: Pick<Response, 'headers'>): boolean {
  return headers.has(markHeader);
}

/** The sandbox's addresses end in these, below an origin on this very machine. */
const firstSteps: ReadonlySet<string> = new Set([...providerNames, 'local']);

/** A server on this machine that says nothing for so long is another's. A busy machine may take seconds. */
const longestLookMs = 20_000;

/**
 * Whether a sandbox answers at an address, of which is asked only where one could: answers are looked up in the cache
 * before the first call. Never throws.
 */
export async function isSandboxAt(address: string): Promise<boolean> {
  const { origin, pathname } = new URL(address);
  if (!isLoopback(address) || !firstSteps.has(pathname.split('/')[1] ?? '')) return false;
  try {
    const response = await fetch(`${origin}/`, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(longestLookMs),
    });
    return isMarked(response);
  } catch {
    return false;
  }
}
