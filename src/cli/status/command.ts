/** `loom status`: everything known about one job. */
import { describeBatch, type JobReport, type PartReport } from '../../api/describe-batch.ts';
import type { JobDocument, PartDocument, StatusDocument } from '../../core/documents/documents.ts';
import { describeTold } from '../../core/errors.ts';
import { documentBatch } from '../documents/batch-document.ts';
import type { CommandContext, StatusOptions } from '../options/options.ts';
import { nameProvider, withProviders } from '../options/reach.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { tellCalls } from '../words/calls.ts';
import { describeProgress, formatAge, formatCount } from '../words/counts.ts';
import { wordsOf } from '../words/error-words.ts';

export async function showStatus(options: StatusOptions, context: CommandContext): Promise<number> {
  const { id, offline } = options;
  const { terminal } = context;
  const document = context.document.begin<StatusDocument>({ command: 'status', job: null });
  const onEvent = tellCalls(terminal);
  const report = await withProviders(options, context, (reach) =>
    describeBatch({ ...reach, id, offline, onEvent }),
  );
  document.job = documentJob(report);
  printReport(report, terminal);
  // Told last, and as any error: what the records know is shown all the same.
  if (report.trouble) throw nameProvider(report.provider, report.trouble);
  return 0;
}

type Line = readonly [name: string, text: string];

function printReport(report: JobReport, terminal: Terminal): void {
  printLines(describeWhole(report), terminal);
  for (const part of report.parts) {
    terminal.printResult('');
    printLines(describePart(part), terminal);
  }
}

function printLines(lines: readonly Line[], terminal: Terminal): void {
  for (const [name, text] of lines) terminal.printResult(`${name.padEnd(nameWidth)}  ${text}`);
}

const nameWidth = 'cancelled at'.length;

function describeWhole(report: JobReport): Line[] {
  const { rows, settings, output } = report;
  const blank = rows?.blank ? `, ${formatCount(rows.blank)} without a prompt` : '';
  const cached = rows?.cached ? `, ${formatCount(rows.cached)} answered from the cache` : '';
  return [
    ['id', report.id],
    ...(report.jobId && report.jobId !== report.id ? ([['job', report.jobId]] as const) : []),
    ['provider', report.provider + (report.baseUrl ? ` at ${report.baseUrl}` : '')],
    ['model', report.model],
    ['created', describeTime(report.createdAt)],
    ...(rows ? ([['rows', `${formatCount(rows.all)}${blank}${cached}`]] as const) : []),
    ...(settings ? ([['settings', JSON.stringify(settings)]] as const) : []),
    ['input', describeInput(report)],
    ['output', `${output.path} (${output.exists ? 'is there' : 'not there yet'})`],
    ...(report.state === 'kept' ? ([['kept', 'the output was written, with --keep']] as const) : []),
  ];
}

const inputWords = {
  unchanged: 'unchanged',
  changed: 'changed since it was submitted',
  gone: 'gone',
  unchecked: 'is there',
} as const;

function describeInput({ input }: JobReport): string {
  return `${input.isFromStdin ? 'stdin, kept' : input.path} (${inputWords[input.state]})`;
}

function describePart(part: PartReport): Line[] {
  const { batchId, status, requests, check, lastError, isStuck, isInDoubt } = part;
  const raw = check && check.rawStatus !== '' ? `, at the provider ${check.rawStatus}` : '';
  const seen = check || !batchId ? '' : ', as last seen';
  const times = check?.times ?? {};
  return [
    ...(part.parts > 1 ? ([['part', `${part.part} of ${part.parts}`]] as const) : []),
    ['batch', batchId ?? '-'],
    ['status', `${status}${raw}${seen}${isStuck ? ' (stuck)' : ''}${isInDoubt ? ' (in doubt)' : ''}`],
    ...(requests === undefined ? [] : ([['requests', formatCount(requests)]] as const)),
    ['progress', describeProgress(part.counts)],
    ...(part.missing === undefined ? [] : ([['missing', `${formatCount(part.missing)} results`]] as const)),
    ...timeLine('created', times.created),
    ...timeLine('started', times.started),
    ...timeLine('cancelled at', times.cancelRequested),
    ...timeLine('ended', times.ended),
    ...timeLine('expires', times.expires),
    ...timeLine('results end', times.resultsEnd),
    ...(lastError ? ([['error', describeTold(wordsOf(lastError))]] as const) : []),
  ];
}

function timeLine(name: string, time: Date | undefined): Line[] {
  return time ? [[name, describeTime(time.toISOString())]] : [];
}

/** `2026-11-22T12:44:02.158Z (3 h ago)`, `… (in 21 h)` */
function describeTime(time: string, now = Date.now()): string {
  const age = now - Date.parse(time);
  if (Number.isNaN(age)) return time;
  return `${time} (${age < 0 ? `in ${formatAge(-age)}` : `${formatAge(age)} ago`})`;
}

function documentJob(report: JobReport): JobDocument {
  const { rows, input } = report;
  return {
    id: report.id,
    job_id: report.jobId ?? null,
    provider: report.provider,
    model: report.model,
    base_url: report.baseUrl ?? null,
    created_at: report.createdAt,
    state: report.state ?? null,
    rows: rows?.all ?? null,
    blank: rows?.blank ?? null,
    cached: rows?.cached ?? null,
    settings: report.settings ?? null,
    input: { path: input.isFromStdin ? null : input.path, state: input.state },
    output: report.output,
    batches: report.parts.map(documentPart),
  };
}

function documentPart(part: PartReport): PartDocument {
  const { requests, check } = part;
  const iso = (time: Date | undefined) => time?.toISOString() ?? null;
  return {
    ...documentBatch(part),
    requests: requests ?? null,
    provider_status: check?.rawStatus ?? null,
    times: check
      ? {
          created: iso(check.times.created),
          started: iso(check.times.started),
          cancel_requested: iso(check.times.cancelRequested),
          ended: iso(check.times.ended),
          expires: iso(check.times.expires),
          results_end: iso(check.times.resultsEnd),
        }
      : null,
  };
}
