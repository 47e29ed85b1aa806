/** `loom run --preview`: the first prompts as they would be sent, and the first request. */
import {
  type PromptsPreview,
  previewPrompts,
  type RequestPreview,
} from '../../api/preview/preview-prompts.ts';
import type { RunDocument } from '../../core/documents/documents.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import { describeRun } from '../options/orders.ts';
import { placeOf } from '../options/reach.ts';
import type { DocumentFields } from '../terminal/voice.ts';

/** Returns the exit code. */
export async function preview(
  options: RunOptions,
  context: CommandContext,
  document: DocumentFields<RunDocument>,
): Promise<number> {
  const { baseUrl, tier, sync: live } = options;
  const rows = options.preview === true ? undefined : options.preview;
  const place = { ...placeOf(options, context), baseUrl };
  const found = await previewPrompts({
    ...place,
    ...(await describeRun(options, context)),
    tier,
    rows,
    live,
  });
  document.preview = documentPreview(found);
  for (const line of describePreview(found)) context.terminal.printResult(line);
  return 0;
}

function documentPreview({ prompts, request }: PromptsPreview): RunDocument['preview'] {
  const { method = null, url = null, headers = null } = request?.kind === 'call' ? request : {};
  return {
    prompts: prompts.map(({ id = null, ...prompt }) => ({ ...prompt, id })),
    request: request ? { method, url, headers, body: JSON.parse(request.body) as unknown } : null,
  };
}

function describePreview({ prompts, request }: PromptsPreview): string[] {
  const first = prompts.find(({ prompt }) => prompt !== null);
  return [
    'Preview: nothing was sent, and nothing was written.',
    ...prompts.flatMap(({ row, id, prompt }) => [
      '',
      `Row ${row}${id === undefined ? '' : ` (id ${id})`}${prompt === null ? ' has no prompt, and is skipped.' : ':'}`,
      ...(prompt === null ? [] : indent(prompt)),
    ]),
    ...(request && first
      ? ['', `The request of row ${first.row}:`, ...indent(describeRequest(request))]
      : []),
  ];
}

/** Headers that say nothing of what is asked: those by which an SDK tells what it runs on. */
const idleHeaders = /^(x-stainless-|user-agent$|accept$|x-goog-api-client$)/;

function describeRequest(request: RequestPreview): string {
  const body = JSON.stringify(JSON.parse(request.body), null, 2);
  if (request.kind === 'line') return body;
  const headers = Object.entries(request.headers).filter(([name]) => !idleHeaders.test(name));
  return [
    `${request.method} ${request.url}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\n');
}

function indent(text: string): string[] {
  return text.split('\n').map((line) => (line === '' ? '' : `  ${line}`));
}
