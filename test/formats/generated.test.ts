/** Random data, the same in each run: what comes out must be what went in, whatever it is. */
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { by, fieldsOf, makeRandom, mergeAll, pickFrom, readSent, writeInput } from './files.ts';

type Random = () => number;
const rounds = Array.from({ length: 24 }, (_, seed) => seed + 1);

const fragments = [
  'a',
  '\t',
  'é',
  '日本',
  '🎈',
  ' ',
  ',',
  '"',
  '\n',
  '\r\n',
  '\r',
  '\\',
  '\ufeff',
  '\u2028',
  '007',
  '{',
  ']',
  "'",
];

function makeText(random: Random): string {
  const length = Math.floor(random() * 8);
  return Array.from({ length }, () => pickFrom(random, fragments)).join('');
}

const dialects = [
  { name: 'CSV', extension: '.csv', delimiter: ',', quoted: /[",\r\n]/ },
  { name: 'TSV', extension: '.tsv', delimiter: '\t', quoted: /["\t\r\n]/ },
];
type Dialect = (typeof dialects)[number];

function writeCell(random: Random, { quoted }: Dialect, text: string): string {
  const mustQuote = quoted.test(text) || text.startsWith('\ufeff');
  return mustQuote || random() < 0.2 ? `"${text.replaceAll('"', '""')}"` : text;
}

interface Table {
  text: string;
  cells: string[][];
  /** The pieces of each line: what stands before its line end, and the line end. */
  lines: { body: string; end: string }[];
}

function makeTable(random: Random, dialect: Dialect): Table {
  const columnCount = 2 + Math.floor(random() * 4);
  const rowCount = Math.floor(random() * 12);
  const lines = [
    {
      body: ['prompt', ...Array.from({ length: columnCount - 1 }, (_, index) => `c${index}`)].join(
        dialect.delimiter,
      ),
      end: '\n',
    },
  ];
  const cells: string[][] = [];
  for (let row = 0; row < rowCount; row += 1) {
    const record = Array.from({ length: columnCount }, () => makeText(random));
    cells.push(record);
    lines.push({
      body: record.map((cell) => writeCell(random, dialect, cell)).join(dialect.delimiter),
      end: '',
    });
  }
  for (const line of lines) line.end = pickFrom(random, ['\n', '\r\n', '\n\n', '\r\n\n\r\n']);
  const text = lines.map(({ body, end }) => body + end).join('');
  return { text, cells, lines };
}

describe.each(dialects)('$name', (dialect) => {
  const { extension, delimiter, quoted } = dialect;

  it.each(rounds)('table %i is read cell for cell and merged byte for byte', async (seed) => {
    const random = makeRandom(seed);
    const { text, cells, lines } = makeTable(random, dialect);
    const options = {
      promptSource: { column: 'prompt' },
      chunkBytes: pickFrom(random, [1, 2, 3, 7, 50, 1000]),
    };
    const path = writeInput(pickFrom(random, [extension, `${extension}.gz`]), text);
    const rows = await readSent(path, options);
    expect(rows.map(({ prompt }) => prompt)).toEqual(
      cells.map(([cell = '']) => (cell.trim() === '' ? null : cell)),
    );

    const responses = cells.map(() => (random() < 0.2 ? null : makeText(random)));
    const merged = await mergeAll(
      path,
      fieldsOf({ llm_response: ({ index }) => responses[index] ?? null }),
      options,
    );
    const expected = lines.map(({ body, end }, number) => {
      const response = responses[number - 1] ?? '';
      const ours =
        number === 0
          ? 'llm_response'
          : quoted.test(response)
            ? `"${response.replaceAll('"', '""')}"`
            : response;
      return `${body}${delimiter}${ours}${end}`;
    });
    expect(merged.toString()).toBe(expected.join(''));

    const again = parse(merged, {
      delimiter,
      record_delimiter: ['\n', '\r\n'],
      skip_empty_lines: true,
    }) as string[][];
    expect(again.slice(1)).toEqual(cells.map((record, index) => [...record, responses[index] ?? '']));
  });

  it.each(rounds)('table %i keeps its other cells when a column is overwritten', async (seed) => {
    const random = makeRandom(seed + 1000);
    const { text, lines, cells } = makeTable(random, dialect);
    const path = writeInput(extension, text);
    const names = ['c0', 'prompt'];
    const values = [makeText(random), makeText(random)];
    const columns = names.map((name) => ({ name, type: 'text' }) as const);
    const merged = await mergeAll(
      path,
      { columns, valuesFor: () => values },
      by('prompt', { chunkBytes: 9 }),
    );
    const again = parse(merged, {
      delimiter,
      record_delimiter: ['\n', '\r\n'],
      skip_empty_lines: true,
    }) as string[][];
    expect(again[0]).toEqual(lines[0]?.body.split(delimiter));
    expect(again.slice(1)).toEqual(cells.map((record) => [values[1], values[0], ...record.slice(2)]));
  });
});

function writeScalar(random: Random): string {
  if (random() < 0.5)
    return JSON.stringify(makeText(random)).replaceAll('é', random() < 0.5 ? '\\u00e9' : 'é');
  return pickFrom(random, [
    '1.0',
    '-0',
    '1e400',
    '12345678901234567890',
    'true',
    'false',
    'null',
    '0.10',
    '""',
  ]);
}

function writeSpace(random: Random): string {
  return pickFrom(random, ['', '', '', ' ', '\n', '\r\n\t']);
}

function writeValue(random: Random, depth: number): string {
  const kind = depth > 3 ? 1 : random();
  const parts = Array.from({ length: Math.floor(random() * 4) });
  const space = () => writeSpace(random);
  if (kind < 0.15)
    return `[${space()}${parts.map(() => writeValue(random, depth + 1) + space()).join(`,${space()}`)}]`;
  if (kind < 0.3)
    return `{${space()}${parts.map(() => writeMember(random, depth + 1) + space()).join(`,${space()}`)}}`;
  return writeScalar(random);
}

function writeMember(random: Random, depth: number): string {
  const key =
    random() < 0.3 ? pickFrom(random, ['10', '2', '__proto__', 'k', 'prompt', 'x']) : makeText(random);
  return `${JSON.stringify(key)}${writeSpace(random)}:${writeSpace(random)}${writeValue(random, depth)}`;
}

/** All tokens of a JSON text, one after the other: equal lists differ in white space only. */
function listTokens(text: string): string[] {
  return text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
}

it.each(rounds)('JSON list %i is read as JSON.parse reads it and merged token for token', async (seed) => {
  const random = makeRandom(seed);
  const entries = Array.from({ length: Math.floor(random() * 8) }, (_, index) => {
    const members = Array.from({ length: Math.floor(random() * 4) }, () => writeMember(random, 1));
    members.push(`"id":${index}`, `"prompt" : ${JSON.stringify(makeText(random))}`);
    return `{${writeSpace(random)}${members.join(`${writeSpace(random)},`)}${writeSpace(random)}}`;
  });
  const text = `${writeSpace(random)}[${writeSpace(random)}${entries.join(` ,${writeSpace(random)}`)}]${writeSpace(random)}`;
  const parsed = JSON.parse(text) as { prompt: string }[];
  const options = { chunkBytes: pickFrom(random, [1, 2, 3, 7, 50, 1000]) };
  const path = writeInput(pickFrom(random, ['.json', '.json.gz']), text);
  expect(await readSent(path, options)).toEqual(
    parsed.map(({ prompt }, index) => ({
      index,
      id: String(index),
      prompt: prompt.trim() === '' ? null : prompt,
    })),
  );

  const responses = entries.map(() => (random() < 0.2 ? null : makeText(random)));
  const fields = fieldsOf({ 'llm "x" response': ({ index }) => responses[index] ?? null });
  const merged = (await mergeAll(path, fields, options)).toString();
  const expected = entries.map((entry, index) => {
    return `${entry.slice(0, -1)},"llm \\"x\\" response":${JSON.stringify(responses[index])}}`;
  });
  expect(listTokens(merged)).toEqual(listTokens(`[${expected.join(',')}]`));
  expect(merged.endsWith('\n')).toBe(text.endsWith('\n'));
});

it.each(rounds)('JSON list %i is laid out as JSON.stringify does it', async (seed) => {
  const random = makeRandom(seed + 1000);
  // Keys that objects would move, and numbers that they would round, are left out here.
  const makeValue = (depth: number): unknown => {
    const kind = depth > 3 ? 1 : random();
    if (kind < 0.25) return Array.from({ length: Math.floor(random() * 4) }, () => makeValue(depth + 1));
    if (kind < 0.5)
      return Object.fromEntries(
        Array.from({ length: Math.floor(random() * 4) }, (_, index) => [
          `k${index}${makeText(random)}`,
          makeValue(depth + 1),
        ]),
      );
    return pickFrom(random, [makeText(random), Math.floor(random() * 1000), true, null, 0.5]);
  };
  const entries = Array.from({ length: 1 + Math.floor(random() * 5) }, () => ({
    prompt: makeText(random),
    a: makeValue(1),
    b: makeValue(1),
  }));
  const path = writeInput('.json', JSON.stringify(entries, null, pickFrom(random, ['', ' ', '\t'])));
  const merged = (await mergeAll(path, fieldsOf({ llm_response: () => 'R' }), { chunkBytes: 13 })).toString();
  expect(merged).toBe(
    JSON.stringify(
      entries.map((entry) => ({ ...entry, llm_response: 'R' })),
      null,
      2,
    ),
  );
});

it.each(rounds)('JSONL file %i is read line by line and merged byte for byte', async (seed) => {
  const random = makeRandom(seed + 2000);
  const inLine = (text: string) => text.replaceAll(/[\r\n]/g, ' ');
  const lines = Array.from({ length: 1 + Math.floor(random() * 8) }, (_, index) => {
    const members = Array.from({ length: Math.floor(random() * 4) }, () => inLine(writeMember(random, 1)));
    members.push(`"id": ${index}`, `"prompt":${JSON.stringify(makeText(random))}`);
    const gap = inLine(writeSpace(random));
    const end = pickFrom(random, ['\n', '\r\n', ' \n', '\n\n', '\r\n \r\n']);
    return { before: gap, members: members.join(`${gap},${inLine(writeSpace(random))}`), after: gap, end };
  });
  const text = lines.map(({ before, members, after, end }) => `${before}{${members}${after}}${end}`).join('');
  const options = { chunkBytes: pickFrom(random, [1, 2, 3, 7, 50, 1000]) };
  const path = writeInput(pickFrom(random, ['.jsonl', '.jsonl.gz']), text);
  expect(await readSent(path, options)).toEqual(
    lines.map(({ members }, index) => {
      const { prompt } = JSON.parse(`{${members}}`) as { prompt: string };
      return { index, id: String(index), prompt: prompt.trim() === '' ? null : prompt };
    }),
  );

  const responses = lines.map(() => (random() < 0.2 ? null : makeText(random)));
  const fields = fieldsOf({ 'llm "x"': ({ index }) => responses[index] ?? null });
  const merged = (await mergeAll(path, fields, options)).toString();
  const expected = lines.map(({ before, members, after, end }, index) => {
    const space = /^"(?:[^"\\]|\\.)*"\s*:(?!\s)/.test(members) ? '' : ' ';
    const ours = `,${space}"llm \\"x\\"":${space}${JSON.stringify(responses[index])}`;
    return `${before}{${members}${ours}${after}}${end}`;
  });
  expect(merged).toBe(expected.join(''));
});
