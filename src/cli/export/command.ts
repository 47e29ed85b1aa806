/** `loom export`: the requests of a run as a file. */
import { exportRequests } from '../../api/exchange/export-requests.ts';
import type { ExportDocument } from '../../core/documents/documents.ts';
import { describeInput } from '../options/input.ts';
import type { CommandContext, ExportOptions } from '../options/options.ts';
import { askOverwrite } from '../options/overwrite.ts';
import { placeOf } from '../options/reach.ts';
import { nameSchemaFile, readSettings } from '../options/settings.ts';
import { checkInputFlags } from '../options/stdin.ts';
import { tellFileNames } from '../options/text-flag.ts';
import { linkPath } from '../terminal/hyperlinks.ts';
import { countOf } from '../words/counts.ts';
import { describeSkipped } from '../words/failures.ts';

export async function exportRun(options: ExportOptions, context: CommandContext): Promise<number> {
  const { terminal, workingFolder } = context;
  const document = context.document.begin<ExportDocument>({
    ...{ command: 'export', output_path: null, requests: null, bytes: null },
    ...{ rows: null, blank: null, cached: null },
  });
  checkInputFlags(options);
  tellFileNames(options, context);
  const { output, cache, serverName, baseUrl } = options;
  const exported = await exportRequests({
    ...placeOf(options, context),
    ...describeInput(options, context),
    settings: await readSettings(options, workingFolder),
    ...{ output, cache, serverName, baseUrl },
    overwrite: askOverwrite(options, terminal),
  }).catch((error: unknown) => {
    throw nameSchemaFile(error, options, workingFolder);
  });
  if (!exported) return 0;
  const { path, requests, bytes, rows, blankRows, cachedRows, isImportable } = exported;
  Object.assign(document, { output_path: path, requests, bytes, rows, blank: blankRows, cached: cachedRows });
  if (blankRows > 0) terminal.note(describeSkipped(blankRows));
  if (cachedRows > 0)
    terminal.note(`Rows with their answer in the cache: ${cachedRows}; only the others are in the file.`);
  const line = `Requests written. ${options.file} -> ${path} (${countOf(requests, 'request', 'requests')})`;
  terminal.print(linkPath(line, path, terminal.results, terminal.environment));
  terminal.note(
    isImportable
      ? 'loom import, with the same input, prompt and rows, merges the results when they are there.'
      : 'The results of this provider are no lines of a file: loom import can not merge them.',
  );
  return 0;
}
