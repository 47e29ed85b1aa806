/** Tables for people: on the terminal, and in a Markdown file. */
import { writeFile } from 'node:fs/promises';

const wholeNumber = new Intl.NumberFormat('en');

export function formatCount(number) {
  return wholeNumber.format(Math.round(number));
}

export function formatSeconds(seconds) {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(seconds < 100 ? 2 : 0)} s`;
}

export function formatMegabytes(megabytes) {
  return megabytes === undefined ? '-' : `${Math.round(megabytes)} MB`;
}

export function formatRatio(ratio) {
  return `${ratio.toFixed(2)} ×`;
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function verdict(met) {
  return met ? 'yes' : 'NO';
}

/**
 * A table of times. A row is `{ what, ours, beside?, before?, python?, target? }` in seconds: `beside` is `{ what,
 * seconds }`, the physical limit or the bare program in the same run; `before` what the build before took. `target` is
 * one or more of `{ most }` times `beside`, `{ ofBefore }` times the build before, and `{ faster }` times as fast as the
 * Python tool; it is met when all are.
 */
export function tableOfTimes(title, rows, { python, before, notes = [] }) {
  const besideColumns = rows.some((row) => row.beside) ? ['beside', 'ratio'] : [];
  const beforeColumns = before ? ['build before', 'ours / before'] : [];
  const pythonColumns = python ? ['Python tool', 'Python / ours'] : [];
  return {
    title,
    columns: ['what', 'ours', ...besideColumns, ...beforeColumns, ...pythonColumns, 'target', 'met'],
    rows: rows.map((row) => [
      row.what,
      formatSeconds(row.ours),
      ...(besideColumns.length > 0 ? besideCells(row) : []),
      ...(before ? comparedCells(row.before, row.ours / row.before) : []),
      ...(python ? comparedCells(row.python, row.python / row.ours) : []),
      ...targetCells(row),
    ]),
    notes,
  };
}

function besideCells({ ours, beside }) {
  if (!beside) return ['', ''];
  return [`${formatSeconds(beside.seconds)} (${beside.what})`, formatRatio(ours / beside.seconds)];
}

function comparedCells(seconds, ratio) {
  return seconds === undefined ? ['', ''] : [formatSeconds(seconds), formatRatio(ratio)];
}

/** A part of a target that was not measured is not judged. */
function targetCells({ ours, beside, before, python, target }) {
  if (!target) return ['', ''];
  const { most, ofBefore, faster } = target;
  const parts = [
    most && { words: `≤ ${most.toFixed(2)} ×`, met: beside && ours / beside.seconds <= most },
    ofBefore && {
      words: `≤ ${ofBefore.toFixed(2)} × the build before`,
      met: before && ours / before <= ofBefore,
    },
    faster && {
      words: faster === 1 ? 'faster than Python' : `≥ ${faster} × faster than Python`,
      met: python && python / ours >= faster,
    },
  ].filter(Boolean);
  const judged = parts.filter(({ met }) => met !== undefined);
  const words = parts.map((part) => part.words).join(', ');
  return [words, judged.length === 0 ? '' : verdict(judged.every(({ met }) => met))];
}

export function describeMachine(processors, memoryBytes, [load]) {
  return [
    `Date: ${new Date().toISOString().slice(0, 10)}`,
    `Cores: ${processors.length} (${processors[0]?.model.trim() || 'unnamed'})`,
    `Memory: ${(memoryBytes / 1e9).toFixed(1)} GB`,
    `System: ${process.platform} ${process.arch}`,
    `Node.js: ${process.version}`,
    `Load at the start: ${load.toFixed(1)}`,
  ];
}

export function printTables(tables) {
  for (const { title, columns, rows, notes } of tables) {
    console.log(`\n${title}`);
    const widths = columns.map((_, column) =>
      Math.max(...[columns, ...rows].map((row) => row[column].length)),
    );
    if (columns.length > 0) {
      for (const row of [columns, widths.map((width) => '-'.repeat(width)), ...rows]) {
        console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd());
      }
    }
    for (const note of notes) console.log(`  ${note}`);
  }
}

export async function writeResults(path, machine, tables) {
  const parts = tables.map(({ title, columns, rows, notes }) => {
    const lines = columns.length > 0 ? [columns, columns.map(() => '---'), ...rows].map(markdownRow) : [];
    return [`## ${title}`, lines.join('\n'), notes.map((note) => `- ${note}`).join('\n')]
      .filter((text) => text !== '')
      .join('\n\n');
  });
  const head = ['# Benchmark', 'Written by `npm run bench`.', machine.map((line) => `- ${line}`).join('\n')];
  await writeFile(path, `${[...head, ...parts].join('\n\n')}\n`);
}

function markdownRow(cells) {
  return `| ${cells.join(' | ')} |`;
}
