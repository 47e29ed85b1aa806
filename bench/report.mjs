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
 * A table of times. A row is `{ what, ours, beside?, target?, python? }` in seconds: `beside` is `{ what, seconds }`,
 * the physical limit or the bare program in the same run; `target` is `{ most }` times that, or `{ faster }` times as
 * fast as the Python tool.
 */
export function tableOfTimes(title, rows, { python, notes = [] }) {
  const besideColumns = rows.some((row) => row.beside) ? ['beside', 'ratio'] : [];
  const pythonColumns = python ? ['Python tool', 'Python / ours'] : [];
  return {
    title,
    columns: ['what', 'ours', ...besideColumns, ...pythonColumns, 'target', 'met'],
    rows: rows.map((row) => [
      row.what,
      formatSeconds(row.ours),
      ...(besideColumns.length > 0 ? besideCells(row) : []),
      ...(python ? pythonCells(row) : []),
      ...targetCells(row),
    ]),
    notes,
  };
}

function besideCells({ ours, beside }) {
  if (!beside) return ['', ''];
  return [`${formatSeconds(beside.seconds)} (${beside.what})`, formatRatio(ours / beside.seconds)];
}

function pythonCells({ ours, python }) {
  return python === undefined ? ['', ''] : [formatSeconds(python), formatRatio(python / ours)];
}

function targetCells({ ours, beside, python, target }) {
  if (!target) return ['', ''];
  if (target.most !== undefined) {
    return [`≤ ${target.most.toFixed(2)} ×`, verdict(ours / beside.seconds <= target.most)];
  }
  const words = target.faster === 1 ? 'faster than Python' : `≥ ${target.faster} × faster than Python`;
  return [words, python === undefined ? '' : verdict(python / ours >= target.faster)];
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
