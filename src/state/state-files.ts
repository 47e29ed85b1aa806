/** What the files of jobs and of records have in common: each is written whole, and one that can't be read is told of. */
import { LoomError } from '../core/errors.ts';
import type { Shape } from '../core/shapes/shapes.ts';
import { describeDiskError, diskFailure } from '../storage/files.ts';
import type { LoomHome } from '../storage/home.ts';
import type { Content, Store } from '../storage/store.ts';

/** A file that is no job or record, or only a part of one. */
export interface DamagedRecord {
  readonly path: string;
  readonly reason: string;
}

export type StateTitle = 'job' | 'batch record';

/** Durable when it returns, if the lock is still held. LoomError `state` names the file where the disk refuses. */
export async function writeStateFile(
  { ensureHeld }: Pick<LoomHome, 'ensureHeld'>,
  store: Store,
  title: StateTitle,
  name: string,
  content: Content,
): Promise<void> {
  try {
    await store.write(name, content, { onComplete: ensureHeld });
  } catch (error) {
    if (error instanceof LoomError) throw error;
    throw diskFailure('state', `write the ${title} ${store.locate(name)}`, error, {
      hint: 'Make the folder writable and free some space.',
    });
  }
}

/** What `parse` makes of a file; undefined when it is gone. LoomError `state` when it is damaged. */
export async function readStateFile<Item>(
  store: Store,
  title: StateTitle,
  name: string,
  parse: (name: string) => Promise<Item | undefined>,
): Promise<Item | undefined> {
  try {
    return await parse(name);
  } catch (error) {
    throw new LoomError('state', `can't read the ${title} ${store.locate(name)}: ${describeDamage(error)}.`, {
      cause: error,
    });
  }
}

/** The same of every file in a store. */
export async function readStateFiles<Item>(
  store: Store,
  parse: (name: string) => Promise<Item | undefined>,
): Promise<{ items: Item[]; damaged: DamagedRecord[] }> {
  const names = await store.list('').catch((error: unknown) => {
    throw diskFailure('state', `read the folder ${store.locate('')}`, error);
  });
  const items: Item[] = [];
  const damaged: DamagedRecord[] = [];
  for (const name of names) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    try {
      const item = await parse(name);
      // One that another process deleted since the list was made is simply gone.
      if (item) items.push(item);
    } catch (error) {
      damaged.push({ path: store.locate(name), reason: describeDamage(error) });
    }
  }
  return { items, damaged };
}

/** LoomError for what is no JSON at all. */
export function parseStateJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LoomError('state', text.trim() === '' ? 'it is empty' : 'it is cut short, or not JSON');
  }
}

/** LoomError for the first field that the shape of a file refuses. */
export function requireFields<Fields>(shape: Shape<Fields>, value: unknown): Fields {
  const checked = shape.check(value);
  if ('value' in checked) return checked.value;
  throw new LoomError('state', `its field ${checked.misfit.join('.') || 'list'} is missing or wrong`);
}

function describeDamage(error: unknown): string {
  return error instanceof LoomError ? error.message : describeDiskError(error);
}
