/** The whole page of a comparison: one file that loads nothing, and runs no script but its own. */
import type { OutputComparison, SideBySideRow } from '../../api/outputs/compare-outputs.ts';
import { Html, html, jsonForScript } from '../report/html.ts';
import { describePolicy, readAsset } from '../report/page-assets.ts';
import { writeBlocks } from '../report/row-blocks.ts';
import { formatMoment } from '../report/words.ts';
import { countOf, formatCount } from '../words/counts.ts';
import type { ComparedColumn, ComparedRow, ComparedTable } from './page-data.ts';
import { drawFigures } from './page-figures.ts';
import { letterOf, nameOutput } from './words.ts';

/** The page in pieces. Memory does not grow with the rows. */
export async function* writePage(
  comparison: OutputComparison,
  rows: AsyncIterable<SideBySideRow>,
): AsyncGenerator<string> {
  const script = await readAsset('compare-page.js');
  const style = await readAsset('compare-page-style.css');
  const title = comparison.outputs.map(nameOutput).join(' and ');
  yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${describePolicy(script, style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title} – loom compare</title>
<style>${new Html(style)}</style>
</head>
<body>
<header><p class="brand">loom compare</p><h1><bdi>${title}</bdi></h1></header>
<main>
${drawFigures(comparison)}
${drawTable(comparison)}
</main>
${drawFooter(comparison)}
<script type="application/json" id="table">${new Html(jsonForScript(describeTable(comparison)))}</script>
`.text;
  yield* writeBlocks(rows, encodeRow);
  yield `<script>${script}</script>\n</body>\n</html>\n`;
}

function encodeRow({ index, differs, inputs, expected, answers }: SideBySideRow): ComparedRow {
  return [index + 1, differs ? 1 : 0, ...inputs, expected, ...answers];
}

/** More have no room beside the answers; the view of a single row has them all. */
const mostInputColumns = 3;

function describeTable({ choice, outputs, on, expect }: OutputComparison): ComparedTable {
  const columns: ComparedColumn[] = [
    ...choice.inputNames.map((title, place): ComparedColumn => {
      const isId = title === (on ?? 'id');
      return { title, role: 'own', kind: isId ? 'id' : 'text', inTable: isId || place < mostInputColumns };
    }),
    {
      title: expect === undefined ? 'Expected' : `Expected (${expect})`,
      role: 'expected',
      kind: 'text',
      inTable: expect !== undefined,
    },
    ...outputs.map((output, place): ComparedColumn => {
      const title = `${letterOf(place)}: ${output.model ?? nameOutput(output)}`;
      return { title, role: 'answer', kind: 'text', inTable: true };
    }),
  ];
  return { columns };
}

function drawTable({ figures, choice, outputs, expect }: OutputComparison): Html {
  const { rows, differing } = figures;
  const shown =
    choice.differing === differing
      ? `all ${formatCount(differing)} that differ`
      : `${formatCount(choice.differing)} of the ${formatCount(differing)} that differ`;
  const part = `This page holds ${formatCount(choice.rows)} of the ${countOf(rows, 'row')}, ${shown} among them, evenly from all over the outputs. The figures above are of all rows.`;
  const wrong = outputs.map(
    (_, place) => html`<option value="wrong-${place}">where ${letterOf(place)} is not as expected</option>`,
  );
  return html`<section id="rows" aria-labelledby="rows-title"><h2 id="rows-title">Rows side by side</h2>
${choice.rows < rows ? html`<p class="part">${part}</p>` : undefined}
<noscript><p class="part">The table of rows needs JavaScript. It runs on this page alone, and loads nothing.</p></noscript>
<form id="search" role="search" hidden><p><label for="text">Search</label><input id="text" type="search" autocomplete="off" spellcheck="false" placeholder="in all columns" aria-describedby="found"></p>
<p><label for="filter">Show</label><select id="filter"><option value="">all rows</option><option value="differing">only those that differ</option>${expect === undefined ? undefined : wrong}</select></p>
<p id="found" role="status"></p></form>
<div class="scroll" id="view" role="region" aria-labelledby="rows-title" tabindex="0"></div>
<nav id="pager" aria-label="Pages" hidden></nav></section>`;
}

function drawFooter({ outputs, on, comparedAt }: OutputComparison): Html {
  const facts: [string, string][] = [
    ...outputs.map(({ path }, place): [string, string] => [letterOf(place), path]),
    ['Matched', on === undefined ? 'by the places of the rows' : `by the column ${on}`],
    ['Compared', formatMoment(comparedAt)],
  ];
  return html`<footer><h2 class="quiet">Where this comes from</h2><dl class="facts">${facts.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`,
  )}</dl></footer>`;
}
