/** `loom import`: results that were made elsewhere, merged. */
import { importResults } from '../../api/exchange/import-results.ts';
import type { ImportDocument } from '../../core/documents/documents.ts';
import { documentOutput } from '../documents/output-document.ts';
import type { CommandContext, ImportOptions } from '../options/options.ts';
import { checkDocumentStream, describeRun } from '../options/orders.ts';
import { askOverwrite } from '../options/overwrite.ts';
import { placeOf } from '../options/reach.ts';
import { nameSchemaFile } from '../options/settings.ts';
import { checkInputFlags } from '../options/stdin.ts';
import { tellFileNames } from '../options/text-flag.ts';
import { tellDone } from '../run/done.ts';
import { reportUsage } from '../words/costs.ts';
import { describeUnknownResults, tellForeignReasons } from '../words/failures.ts';

export async function importRun(options: ImportOptions, context: CommandContext): Promise<number> {
  const { terminal, workingFolder } = context;
  const document = context.document.begin<ImportDocument>({ command: 'import', output: null });
  checkInputFlags(options);
  tellFileNames(options, context);
  checkDocumentStream(options, context.voice);
  const written = await importResults({
    ...placeOf(options, context),
    ...(await describeRun(options, context)),
    baseUrl: options.baseUrl,
    results: options.results,
    overwrite: askOverwrite(options, terminal),
    onEvent: (event) => {
      if (event.type === 'foreign_reasons') tellForeignReasons(event, terminal);
    },
  }).catch((error: unknown) => {
    throw nameSchemaFile(error, options, workingFolder);
  });
  if (!written) return 0;
  document.output = documentOutput({ ...written, id: undefined }, false);
  const { provider, model } = options;
  return tellDone(written, terminal, terminal.print, () => {
    reportUsage(written, { provider, model, isRehearsal: false }, terminal);
    if (written.unknownResults > 0) terminal.warn(describeUnknownResults(written.unknownResults));
    if (written.cacheTrouble)
      terminal.warn(`${(written.cacheTrouble as Error).message} The answers are in the output only.`);
  });
}
