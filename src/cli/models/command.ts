/** `loom models`: models and what they cost, by the lists of prices or as their provider has them. */
import { type KnownModel, models } from '../../api/models.ts';
import type { ModelsDocument } from '../../core/documents/documents.ts';
import type { CommandContext, ModelsOptions } from '../options/options.ts';
import { nameProvider, placeOf, withProviders } from '../options/reach.ts';
import { printTable } from '../terminal/table.ts';
import { tellCalls } from '../words/calls.ts';
import { modelColumns } from './model-columns.ts';

export async function listModels(options: ModelsOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = context.document.begin<ModelsDocument>({ command: 'models', models: [] });
  const known = await findModels(options, context);
  document.models = known.map(documentModel);
  if (context.voice.json) return 0;
  if (known.length === 0) {
    terminal.note(`There is no model${describeSearch(options)}.`);
    return 0;
  }
  terminal.note(describePrices(known));
  await printTable(modelColumns(known), terminal);
  return 0;
}

async function findModels(options: ModelsOptions, context: CommandContext): Promise<readonly KnownModel[]> {
  const { provider, search, live } = options;
  const asked = { provider, search, live };
  if (!live) return models({ ...placeOf(options, context), ...asked });
  try {
    const onEvent = tellCalls(context.terminal);
    return await withProviders(options, context, (reach) => models({ ...reach, ...asked, onEvent }));
  } catch (error) {
    const [named] = provider ?? [];
    throw named ? nameProvider(named, error) : error;
  }
}

function describeSearch({ provider, search, live }: ModelsOptions): string {
  const of = provider ? ` of ${provider.join(' or ')}` : '';
  return `${of}${search ? ` with ${JSON.stringify(search)} in its name` : ''}${live ? ' there' : ' in the price list'}`;
}

function describePrices(known: readonly KnownModel[]): string {
  const isLevelled = known.some(({ levels }) => levels.length > 1);
  const rise = isLevelled ? '; + is more for long inputs' : '';
  return `Prices are US dollars for a million tokens${rise}.`;
}

type DocumentModel = ModelsDocument['models'][number];

function documentModel({ provider, model, levels, batchLevels, context }: KnownModel): DocumentModel {
  return {
    ...{ provider, model, context: context ?? null },
    prices: levels.map(documentLevel),
    batch_prices: batchLevels.map(documentLevel),
  };
}

function documentLevel({
  above,
  input,
  output,
  cachedInput,
}: KnownModel['levels'][number]): DocumentModel['prices'][number] {
  return { above, input, output, cached_input: cachedInput ?? null };
}
