/** The whole page of a report: one file that loads nothing, and runs no script but its own. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { OutputReport, ShownRow } from '../../api/report-output.ts';
import { usualAnswer } from '../../core/names.ts';
import { formatCount } from '../words/counts.ts';
import { Html, html, jsonForScript } from './html.ts';
import { type PageColumn, type PageRow, type PageTable, rowStatuses } from './page-data.ts';
import { drawFooter, drawSummary, titleOf } from './summary.ts';

/** Rows are put into script elements of about this size, so that the page parses only those that it shows. */
const blockCharacters = 64 * 1024;

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
${drawTable(facts)}
${drawFooter(facts)}
<script type="application/json" id="table">${new Html(jsonForScript(describeTable(facts)))}</script>
`.text;
  yield* writeBlocks(rows);
  yield `<script>${script}</script>\n</body>\n</html>\n`;
}

/** Lies beside the chunk that this is bundled into. */
async function readAsset(name: string): Promise<string> {
  return (await readFile(new URL(`./${name}`, import.meta.url), 'utf8')).trim();
}

/** Nothing is loaded from anywhere, and nothing runs or styles but what the hashes name. */
function describePolicy(script: string, style: string): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

async function* writeBlocks(rows: AsyncIterable<ShownRow>): AsyncGenerator<string> {
  let block: string[] = [];
  let length = 0;
  const finish = () =>
    `<script type="application/json" class="rows" data-rows="${block.length}">[${block.join(',\n')}]</script>\n`;
  for await (const row of rows) {
    const text = jsonForScript(encodeRow(row));
    block.push(text);
    length += text.length;
    if (length < blockCharacters) continue;
    yield finish();
    block = [];
    length = 0;
  }
  if (block.length > 0) yield finish();
}

function encodeRow({ index, status, texts }: ShownRow): PageRow {
  return [index + 1, rowStatuses.indexOf(status), ...texts];
}

/** Columns in the order of a row's texts. */
function describeTable({ survey: { source, failures } }: OutputReport): PageTable {
  const { otherNames, detailNames, promptSource, columns: own } = source;
  const columns: PageColumn[] = [
    ...otherNames.map((title, place) => ({
      title,
      kind: idOrText(title),
      inTable: place < mostOtherColumns,
    })),
    { title: 'Prompt', kind: 'text', inTable: promptSource !== undefined },
    ...(own.answer === undefined
      ? []
      : [{ title: titleOfAnswer(own.answer), kind: 'text', inTable: true } as const]),
    ...own.fields.map((title) => ({ title, kind: idOrText(title), inTable: true })),
    { title: 'Reason', kind: 'text', inTable: false },
    ...detailNames.map((title) => ({ title, kind: idOrText(title), inTable: false })),
  ];
  const answerColumn = otherNames.length + 1;
  const reasonColumn = columns.length - detailNames.length - 1;
  return { columns, answerColumn, reasonColumn, kinds: failures.map(({ kind }) => kind) };
}

/** Its usual name says less. */
function titleOfAnswer(name: string): string {
  return name === usualAnswer ? 'Answer' : name;
}

function idOrText(name: string): 'id' | 'text' {
  return name === 'id' ? 'id' : 'text';
}

/** More have no room beside prompts and answers; the view of a single row has them all. */
const mostOtherColumns = 6;

function drawTable({ survey: { rows, failures, counts }, choice }: OutputReport): Html {
  const isPart = choice.rows < rows;
  const part = `This page holds ${formatCount(choice.rows)} of the ${formatCount(rows)} rows, taken evenly from all over the output${describeFailed(choice.failed, counts.failed)}. The figures above are of all rows.`;
  return html`<section id="rows" aria-labelledby="rows-title"><h2 id="rows-title">Prompts and answers</h2>
${isPart ? html`<p class="part">${part}</p>` : undefined}
<noscript><p class="part">The table of prompts and answers needs JavaScript. It runs on this page alone, and loads nothing.</p></noscript>
<form id="search" role="search" hidden><p><label for="text">Search</label><input id="text" type="search" autocomplete="off" spellcheck="false" placeholder="in prompts, answers and reasons" aria-describedby="found"></p>
<p><label for="filter">Show</label><select id="filter"><option value="">all rows</option><option value="0">answered</option><option value="1">failed</option><option value="2">without a prompt</option><option value="3">no answer</option>${
    failures.length > 0
      ? html`<optgroup label="failed with">${failures.map(({ kind }, number) => html`<option value="kind-${number}">${kind}</option>`)}</optgroup>`
      : undefined
  }</select></p><p id="found" role="status"></p></form>
<div class="scroll" id="view" role="region" aria-labelledby="rows-title" tabindex="0"></div>
<nav id="pager" aria-label="Pages" hidden></nav></section>`;
}

function describeFailed(shown: number, all: number): string {
  if (all === 0) return '';
  if (shown === all)
    return all === 1 ? ', the failed one among them' : `, all ${formatCount(all)} that failed among them`;
  return `, ${formatCount(shown)} of the ${formatCount(all)} that failed among them`;
}
