/** Lists that come in pages. */
import { ProviderError } from '../../core/errors.ts';

/** What a list is of. */
type Listed = 'batches' | 'models' | 'results';

/** More pages of a list than these are not read. */
const mostPages = 200;

export interface Page {
  /** By what the next page is asked for; undefined on the last one. */
  readonly next: string | undefined;
}

/** The pages of a list, one after the other. One that turns in a circle, or is too long to be read, is an error. */
export async function* readPages<Opened extends Page>(
  what: Listed,
  openPage: (next: string | undefined) => Promise<Opened>,
): AsyncGenerator<Opened> {
  const asked = new Set<string>();
  let next: string | undefined;
  do {
    const page = await openPage(next);
    yield page;
    next = page.next;
    if (next !== undefined && asked.has(next)) throw unreadList(what, 'gives the same page again and again');
    if (asked.size >= mostPages) throw unreadList(what, `has more than ${mostPages} pages`);
    if (next !== undefined) asked.add(next);
  } while (next !== undefined);
}

/** A page that says there are more, and not by what to ask for them, hides what there is. */
export function readNext(what: Listed, hasMore: unknown, last: string): string | undefined {
  if (hasMore !== true) return undefined;
  if (last === '') throw unreadList(what, 'says that there is more of it, but not where');
  return last;
}

/** The list is the same at the next try. */
export function unreadList(what: Listed, why: string): ProviderError {
  return new ProviderError('run', 'list_unread', `The provider's list of ${what} ${why}.`);
}
