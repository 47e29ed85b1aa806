/** `loom keys`: the keys that a person has kept, and where those of all providers come from. */
import {
  forgetKey,
  keepKey,
  type ListedKey,
  listKeys as listFound,
  locateKeptKeys,
} from '../../api/keys/kept-keys.ts';
import { describeProvider, listProviders } from '../../api/providers.ts';
import type { KeysListDocument, KeysRmDocument, KeysSetDocument } from '../../core/documents/documents.ts';
import { LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import type { CommandContext, KeyOptions } from '../options/options.ts';
import { placeOf } from '../options/reach.ts';
import { printTable } from '../terminal/table.ts';
import { readGivenKey } from './read-key.ts';

export async function setKey({ provider }: KeyOptions, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const place = placeOf({}, context);
  const path = locateKeptKeys(place);
  const document = context.document.begin<KeysSetDocument>({
    ...{ command: 'keys set', provider, path, replaced: null },
  });
  const key = await readGivenKey(describeProvider(provider, place).title, terminal, signal);
  document.replaced = await keepKey({ ...place, provider, key });
  terminal.print(`Key ${document.replaced ? 'replaced' : 'kept'}. provider=${provider} path=${path}`);
  tellOther(provider, context, (where) => `The key in ${where} goes before it.`);
  return 0;
}

export async function removeKey({ provider }: KeyOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const place = placeOf({}, context);
  const path = locateKeptKeys(place);
  const document = context.document.begin<KeysRmDocument>({
    ...{ command: 'keys rm', provider, path, removed: false },
  });
  document.removed = await forgetKey({ ...place, provider });
  if (!document.removed) {
    throw new LoomError('key', `no key of ${describeProvider(provider, place).title} is kept in ${path}.`, {
      hint: 'See loom keys list for those there are.',
    });
  }
  terminal.print(`Key removed. provider=${provider} path=${path}`);
  tellOther(provider, context, (where) => `There is still one in ${where}.`);
  return 0;
}

export async function listKeys(_options: object, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = context.document.begin<KeysListDocument>({ command: 'keys list', keys: [] });
  const keys = listFound(placeOf({}, context));
  document.keys = keys.map(documentKey);
  if (context.voice.json) return 0;
  const rows = listProviders(placeOf({}, context)).flatMap(({ name: provider }) => {
    const found = keys.filter((key) => key.provider === provider);
    return found.length > 0 ? found.map(describeKey) : [{ provider, source: '-', key: '-' }];
  });
  await printTable(
    [
      { title: 'provider', cells: rows.map(({ provider }) => provider) },
      { title: 'key', cells: rows.map(({ key }) => key) },
      { title: 'from', cells: rows.map(({ source }) => source), least: 20 },
    ],
    terminal,
  );
  return 0;
}

/** What a variable holds counts before what is kept. */
function tellOther(provider: ProviderName, context: CommandContext, word: (where: string) => string): void {
  const other = listFound(placeOf({}, context)).find((key) => key.provider === provider && key.variable);
  if (other) context.terminal.note(word(describeSource(other)));
}

/** `OPENAI_API_KEY`, `OPENAI_API_KEY of /home/ann/reviews/.env`, `/home/ann/.loom/keys.json` */
function describeSource({ variable, path }: ListedKey): string {
  return [variable, path].filter((part) => part !== undefined).join(' of ');
}

function describeKey(listed: ListedKey) {
  const { provider, end = '', isUsed } = listed;
  const source = describeSource(listed);
  return { provider, key: `…${end}`, source: isUsed ? source : `${source} (not used)` };
}

function documentKey({ provider, source, variable, path, end, isUsed }: ListedKey) {
  return {
    ...{ provider, source, used: isUsed },
    ...{ variable: variable ?? null, path: path ?? null, end: end ?? null },
  };
}
