/** The whole page of a report: one file that loads nothing, and runs no script but its own. */
import type { OutputReport, ShownRow } from '../../api/report-output.ts';
import { formatCount } from '../words/counts.ts';
import { drawAsked } from './asked.ts';
import { Html, html, jsonForScript } from './html.ts';
import { nameLabels } from './labels.ts';
import { describePolicy, readAsset } from './page-assets.ts';
import { type PageRow, rowStatuses } from './page-data.ts';
import { describeTable } from './page-table.ts';
import { writeBlocks } from './row-blocks.ts';
import { drawFooter, drawSummary, titleOf } from './summary.ts';

/** The page in pieces. Memory does not grow with the rows. */
export async function* writePage(facts: OutputReport, rows: AsyncIterable<ShownRow>): AsyncGenerator<string> {
  const script = await readAsset('report-page.js');
  const style = await readAsset('report-page-style.css');
  yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${describePolicy(script, style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${titleOf(facts)} – loom report</title>
<style>${new Html(style)}</style>
</head>
<body>
${drawSummary(facts)}
${drawAsked(facts.found.history)}
${drawTable(facts)}
${drawFooter(facts)}
<script type="application/json" id="table">${new Html(jsonForScript(describeTable(facts)))}</script>
`.text;
  yield* writeBlocks(rows, encodeRow);
  yield `<script>${script}</script>\n</body>\n</html>\n`;
}

function encodeRow({ index, status, texts }: ShownRow): PageRow {
  return [index + 1, rowStatuses.indexOf(status), ...texts];
}

function drawTable(facts: OutputReport): Html {
  const { rows, failures, counts } = facts.survey;
  const { choice } = facts;
  const part = `This page holds ${formatCount(choice.rows)} of the ${formatCount(rows)} rows, taken evenly from all over the output${describeFailed(choice.failed, counts.failed)}. The figures above are of all rows.`;
  const reasons = failures.map(({ kind }, number) => drawOption(`kind-${number}`, kind));
  const labels = nameLabels(facts).map((label, number) => drawOption(`label-${number}`, label));
  return html`<section id="rows" aria-labelledby="rows-title"><h2 id="rows-title">Prompts and answers</h2>
${choice.rows < rows ? html`<p class="part">${part}</p>` : undefined}
<noscript><p class="part">The table of prompts and answers needs JavaScript. It runs on this page alone, and loads nothing.</p></noscript>
<form id="search" role="search" hidden><p><label for="text">Search</label><input id="text" type="search" autocomplete="off" spellcheck="false" placeholder="in all columns" aria-describedby="found"></p>
<p><label for="filter">Show</label><select id="filter"><option value="">all rows</option><option value="0">answered</option><option value="1">failed</option><option value="2">without a prompt</option><option value="3">no answer</option>${drawGroup('failed with', reasons)}${drawGroup('answered with', labels)}</select></p>
<p id="found" role="status"></p>
<p class="tools"><button type="button" id="save">Save as CSV</button></p></form>
<details id="columns" hidden><summary>Columns</summary></details>
<div class="scroll" id="view" role="region" aria-labelledby="rows-title" tabindex="0"></div>
<nav id="pager" aria-label="Pages" hidden></nav></section>`;
}

function drawOption(value: string, text: string): Html {
  return html`<option value="${value}">${text}</option>`;
}

function drawGroup(title: string, options: readonly Html[]): Html | undefined {
  return options.length > 0 ? html`<optgroup label="${title}">${options}</optgroup>` : undefined;
}

function describeFailed(shown: number, all: number): string {
  if (all === 0) return '';
  if (shown === all)
    return all === 1 ? ', the failed one among them' : `, all ${formatCount(all)} that failed among them`;
  return `, ${formatCount(shown)} of the ${formatCount(all)} that failed among them`;
}
