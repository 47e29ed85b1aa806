/** The part of a report that is there without any script: figures, plots, failures, and where all of it comes from. */
import { basename } from 'node:path';
import { titleOf as titleOfProvider } from '../../api/providers.ts';
import type { HistoryEntry, OutputReport, OutputSurvey } from '../../api/report-output.ts';
import { listSome } from '../../core/words.ts';
import { countOf, formatCount, formatDollars } from '../words/counts.ts';
import { type Html, html } from './html.ts';
import { drawLabels } from './labels.ts';
import { drawPlot } from './plots.ts';
import { formatDuration, formatMoment, formatRough, formatShare } from './words.ts';

export function titleOf(facts: OutputReport): string {
  const name = basename(facts.found.path);
  return isRehearsal(facts) ? `${name} (rehearsal)` : name;
}

/** Where nothing is known of an output, its usual name still tells. */
function isRehearsal({ found: { path, history } }: OutputReport): boolean {
  return history ? history.sandbox : /_sandbox\.\w+(\.gz)?$/i.test(path);
}

export function drawSummary(facts: OutputReport): Html {
  return html`<header><p class="brand">loom report</p><h1><bdi>${titleOf(facts)}</bdi></h1>${drawOrigin(facts)}</header>
<main>
<section aria-labelledby="figures"><h2 id="figures" class="quiet">Summary</h2>${drawFigures(facts)}${drawShares(facts)}</section>
${drawLabels(facts)}
${drawPlots(facts)}
${drawFailures(facts)}`;
}

/** Who answered, how and when, in one line. */
function drawOrigin({ found: { history }, survey }: OutputReport): Html {
  const words = history
    ? [titleOfProvider(history.provider), history.model, nameMode(history), formatMoment(history.ended_at)]
    : [survey.provider, survey.model].filter((word) => word !== undefined);
  if (words.length === 0) return html``;
  return html`<p class="origin">${words.map((word) => html`<span><bdi>${word}</bdi></span>`)}</p>`;
}

function nameMode({ mode, sandbox }: HistoryEntry): string {
  return `${mode === 'batch' ? 'batch' : 'live'}${sandbox ? ', a rehearsal in the sandbox' : ''}`;
}

function drawFigures({ found: { history }, survey }: OutputReport): Html {
  const { rows, counts, tokens } = survey;
  const figures: [string, string, string?][] = [
    ['Rows', formatCount(rows)],
    ['Answered', formatCount(counts.answered), formatShare(counts.answered, rows)],
    ['Failed', formatCount(counts.failed), formatShare(counts.failed, rows)],
  ];
  if (counts.blank > 0) figures.push(['No prompt', formatCount(counts.blank), 'not sent']);
  if (counts.unanswered > 0) figures.push(['No answer', formatCount(counts.unanswered), 'no reason known']);
  if (history) {
    figures.push(['From the cache', formatCount(history.cached_rows)]);
    const elapsed = Date.parse(history.ended_at) - Date.parse(history.created_at);
    if (elapsed >= 0)
      figures.push([history.mode === 'batch' ? 'Until fetched' : 'Took', formatDuration(elapsed)]);
  }
  figures.push(...describeTokens(history, tokens));
  return html`<dl class="figures">${figures.map(
    ([name, value, note]) =>
      html`<div><dt>${name}</dt><dd>${value}${note === undefined ? undefined : html`<small>${note}</small>`}</dd></div>`,
  )}</dl>`;
}

function describeTokens(
  history: HistoryEntry | undefined,
  inRows: OutputSurvey['tokens'],
): [string, string, string?][] {
  const { input_tokens: input = inRows?.input, output_tokens: output = inRows?.output } = history ?? {};
  const isPaid = history?.input_tokens !== undefined;
  const figures: [string, string, string?][] = [];
  if (input !== undefined && output !== undefined) {
    const note = isPaid ? (history.sandbox ? 'made up' : 'paid for') : 'as the rows have them';
    figures.push(['Tokens in', formatCount(input), note], ['Tokens out', formatCount(output), note]);
  }
  const word = history?.sandbox ? 'Would cost' : 'Cost';
  if (isPaid)
    figures.push(
      history.cost === undefined ? [word, 'unknown'] : [word, formatDollars(history.cost), 'about'],
    );
  else if (history && history.cached_rows === history.answered)
    figures.push(['Cost', 'nothing', 'all from the cache']);
  return figures;
}

/** How much of the output was answered, as a bar. */
function drawShares({ survey: { rows, counts } }: OutputReport): Html {
  const kinds = (['answered', 'failed', 'blank', 'unanswered'] as const).filter((kind) => counts[kind] > 0);
  let x = 0;
  const parts = kinds.map((kind) => {
    const width = (1000 * counts[kind]) / Math.max(rows, 1);
    const part = html`<rect class="${kind}" x="${Math.round(x)}" y="0" width="${Math.max(2, Math.round(width))}" height="10"/>`;
    x += width;
    return part;
  });
  const words = kinds.map((kind) => `${formatShare(counts[kind], rows)} ${statusWords[kind]}`).join(', ');
  return html`<svg class="shares" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="${words}">${parts}</svg>
<p class="legend">${kinds.map((kind) => html`<span class="swatch ${kind}">${statusWords[kind]} ${formatShare(counts[kind], rows)}</span>`)}</p>`;
}

const statusWords = {
  answered: 'answered',
  failed: 'failed',
  blank: 'without a prompt',
  unanswered: 'no answer',
} as const;

function drawPlots({ found: { history }, survey }: OutputReport): Html {
  const lengths = survey.answerLengths.summarize();
  const plots: Html[] = [];
  const characters = (value: number) => formatRough(value);
  if (lengths) {
    plots.push(
      drawPlot({
        title: 'Length of the answers, in characters',
        noun: 'answer',
        histogram: lengths,
        format: characters,
      }),
    );
  }
  const { latencies } = history ?? {};
  if (history && latencies) {
    const batch = history.mode === 'batch';
    const title = batch ? 'From the submission of a batch until its fetch' : 'Time of each call';
    plots.push(
      drawPlot({ title, noun: batch ? 'batch' : 'call', histogram: latencies, format: formatDuration }),
    );
  }
  if (plots.length === 0) return html``;
  return html`<section aria-labelledby="plots"><h2 id="plots">Lengths and times</h2><div class="plots">${plots}</div></section>`;
}

function drawFailures({ survey: { failures, counts } }: OutputReport): Html {
  if (failures.length === 0) return html``;
  const groups = failures.map(
    ({ kind, message, count, rows }, number) =>
      html`<tr role="row"><th scope="row" role="rowheader"><bdi>${kind}</bdi></th><td role="cell" class="number" data-title="Rows:">${formatCount(count)}</td><td role="cell" class="message"><bdi>${message}</bdi></td><td role="cell" data-title="First rows:"><bdi>${rows.join(', ')}${count > rows.length ? ', …' : ''}</bdi></td><td role="cell" class="act"><button type="button" class="show-rows" data-show="kind-${number}" hidden>Show<span class="quiet"> rows that failed with ${kind}</span></button></td></tr>`,
  );
  return html`<section aria-labelledby="failures"><h2 id="failures">Why ${countOf(counts.failed, 'row')} failed</h2>
<div class="scroll" role="region" aria-labelledby="failures" tabindex="0"><table class="failures" role="table"><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Reason</th><th scope="col" role="columnheader" class="number">Rows</th><th scope="col" role="columnheader">First message</th><th scope="col" role="columnheader">First rows</th><td role="cell"></td></tr></thead><tbody role="rowgroup">${groups}</tbody></table></div></section>`;
}

/** Where the output came from, and what could not be known. */
export function drawFooter({ found: { path, history }, survey, writtenAt }: OutputReport): Html {
  const facts: [string, string][] = [['Output', path]];
  if (history) {
    facts.push(['Input', history.input_path ?? 'stdin']);
    if (history.prompt_template === undefined && history.prompt_column)
      facts.push(['Prompt', `the column ${history.prompt_column}`]);
    if (history.pick) facts.push(['Rows', describePick(history.pick)]);
    if (history.batch_ids.length > 0)
      facts.push([history.batch_ids.length === 1 ? 'Batch' : 'Batches', listSome(history.batch_ids, 5)]);
    if (history.job_id !== undefined) facts.push(['Job', history.job_id]);
    facts.push(['Begun', formatMoment(history.created_at)]);
  }
  facts.push(['Report', formatMoment(writtenAt)]);
  const unknown: Html[] = [];
  if (!history) {
    unknown.push(
      html`<p class="unknown">This machine does not know how this output was made, or it has changed since: when and how, times and cost are not told. What is here was read from the file itself.</p>`,
    );
  }
  if (survey.hasForeignReasons) {
    unknown.push(
      html`<p class="unknown">The file of reasons beside the output belongs to other rows, and was left out.</p>`,
    );
  }
  return html`</main><footer><h2 class="quiet">Where this comes from</h2><dl class="facts">${facts.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`,
  )}</dl>${unknown}</footer>`;
}

function describePick(pick: NonNullable<HistoryEntry['pick']>): string {
  if ('limit' in pick) return `the first ${formatCount(pick.limit)} of the input`;
  return `a sample of ${formatCount(pick.sample)} of ${formatCount(pick.of)}`;
}
