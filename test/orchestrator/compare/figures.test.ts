/** Agreement, kappa, accuracy and F1, against values by hand and by scikit-learn 1.9.1. */
import { describe, expect, test } from 'vitest';
import { computeFigures } from '../../../src/orchestrator/compare/figures.ts';
import { LabelBook, mostLabels } from '../../../src/orchestrator/compare/label-book.ts';
import { RowCodes, RowPlaces } from '../../../src/orchestrator/compare/row-codes.ts';

type Answers = readonly (string | null)[];

/** The table of outputs that have the same rows. */
function compare(outputs: readonly Answers[], expected?: Answers) {
  const labels = new LabelBook();
  const codesOf = (texts: Answers) => {
    const codes = new RowCodes();
    for (const [row, text] of texts.entries()) codes.set(row, labels.codeOf(text));
    return codes;
  };
  const placesOf = (texts: Answers) => {
    const places = new RowPlaces(texts.length);
    for (const row of texts.keys()) places.set(row, row + 1);
    return places;
  };
  const read = outputs.map((answers) => ({
    rows: answers.length,
    codes: codesOf(answers),
    places: placesOf(answers),
    ...{ tokens: undefined, provider: undefined, model: undefined },
  }));
  return computeFigures({
    matching: { by: 'column', names: ['id'] },
    labels,
    outputs: read,
    expected: expected && codesOf(expected),
    expectedOtherwise: 0,
  });
}

/** Letters for labels, `-` for no answer. */
const read = (letters: string): Answers =>
  letters.split(' ').map((letter) => (letter === '-' ? null : letter));

const expected = read('p p p p n n n u u u');
const first = read('p p p n n n u u u p');
/** Answers x, which is never expected, and leaves one row out. */
const second = read('p n p n n x n u - p');

describe('of ten rows', () => {
  const figures = compare([first, second], expected);

  test('agreement and kappa are of the rows that both answered: 6 of 9, by chance 26 of 81', () => {
    expect(figures.pairs).toEqual([
      { outputs: [0, 1], rows: 9, equal: 6, kappa: expect.closeTo((54 - 26) / (81 - 26), 12) },
    ]);
    expect(figures).toMatchObject({ rows: 10, differing: 4, answered: [10, 9], differentAnswers: 4 });
  });

  test('a row without an answer is wrong, and a miss of what was expected', () => {
    expect(figures.expected?.map(({ rows, correct, unanswered }) => [rows, correct, unanswered])).toEqual([
      [10, 7, 0],
      [10, 5, 1],
    ]);
  });

  test('macro F1 is the mean over every label that is expected or answered', () => {
    const f1s = figures.expected?.map(({ labels }) =>
      Object.fromEntries(labels.map(({ label, f1 }) => [label, f1])),
    );
    expect(f1s).toEqual([
      { n: expect.closeTo(2 / 3, 12), p: 0.75, u: expect.closeTo(2 / 3, 12) },
      { n: expect.closeTo(4 / 7, 12), p: expect.closeTo(4 / 7, 12), u: 0.5, x: 0 },
    ]);
    // scikit-learn 1.9.1: f1_score(…, labels=[those above], average='macro', zero_division=0)
    expect(figures.expected?.map(({ macroF1 }) => macroF1)).toEqual([
      expect.closeTo(0.6944444444444443, 12),
      expect.closeTo(0.4107142857142857, 12),
    ]);
  });

  test('the confusion has what was answered where something was expected, the most frequent first', () => {
    const cell = (expected: string, answered: string | null, rows: number) => ({ expected, answered, rows });
    expect(figures.expected?.[1]?.confusion).toEqual([
      cell('p', 'p', 2),
      cell('p', 'n', 2),
      cell('n', 'n', 2),
      cell('n', 'x', 1),
      cell('u', null, 1),
      cell('u', 'p', 1),
      cell('u', 'u', 1),
    ]);
  });

  test('labels are counted for each output, the most frequent first', () => {
    expect(figures.labels).toEqual([
      { label: 'p', counts: [4, 3], expected: 4 },
      { label: 'n', counts: [3, 4], expected: 3 },
      { label: 'u', counts: [3, 1], expected: 3 },
      { label: 'x', counts: [0, 1], expected: 0 },
    ]);
  });
});

describe('of a thousand rows', () => {
  const letters = ['a', 'b', 'c', 'd', 'e'] as const;
  const [wanted, one, other] = makeRows();
  const figures = compare([one, other], wanted);

  /** e is never expected, and the second answers only some labels. */
  function makeRows(): [Answers, Answers, Answers] {
    let state = 1n;
    const draw = () => {
      state = (state * 1103515245n + 12345n) % 2147483648n;
      return Number(state) / 2147483648;
    };
    const pick = (most: number) => letters[Math.floor(draw() * most)] as string;
    const rows: [string[], string[], string[]] = [[], [], []];
    for (let row = 0; row < 1000; row += 1) {
      const label = pick(4);
      rows[0].push(label);
      rows[1].push(draw() < 0.7 ? label : pick(5));
      rows[2].push(draw() < 0.5 ? label : pick(3));
    }
    return rows;
  }

  test('kappa is that of scikit-learn 1.9.1: cohen_kappa_score', () => {
    expect(figures.pairs).toEqual([
      { outputs: [0, 1], rows: 1000, equal: 493, kappa: expect.closeTo(0.336493387181628, 12) },
    ]);
  });

  test('accuracy, macro F1 and confusion are those of scikit-learn 1.9.1', () => {
    const matrices = figures.expected?.map(({ confusion }) =>
      letters.map((row) =>
        letters.map(
          (column) =>
            confusion.find(({ expected, answered }) => expected === row && answered === column)?.rows ?? 0,
        ),
      ),
    );
    expect(figures.expected?.map(({ correct, macroF1 }) => [correct, macroF1])).toEqual([
      [751, expect.closeTo(0.6197645758883947, 12)],
      [632, expect.closeTo(0.6368251364459615, 12)],
    ]);
    expect(matrices).toEqual([
      [
        [192, 20, 15, 13, 15],
        [23, 183, 6, 18, 18],
        [15, 23, 194, 14, 14],
        [12, 12, 17, 182, 14],
        [0, 0, 0, 0, 0],
      ],
      [
        [166, 43, 46, 0, 0],
        [41, 168, 39, 0, 0],
        [36, 50, 174, 0, 0],
        [28, 37, 48, 124, 0],
        [0, 0, 0, 0, 0],
      ],
    ]);
  });
});

test('kappa is not defined where both give one label alone, or no row is answered by both', () => {
  expect(compare([read('p p'), read('p p')]).pairs[0]).toMatchObject({ equal: 2, kappa: undefined });
  expect(compare([read('p -'), read('- p')]).pairs[0]).toMatchObject({ rows: 0, kappa: undefined });
});

test('one label against several has no agreement beyond chance', () => {
  expect(compare([read('p p p p'), read('p n p n')]).pairs[0]).toMatchObject({ equal: 2, kappa: 0 });
});

test('answers are compared without the white space around them, and in their letter case', () => {
  const { pairs, labels } = compare([
    ['yes', ' yes\n', 'no'],
    ['yes', 'yes', 'No'],
  ]);
  expect(pairs[0]).toMatchObject({ rows: 3, equal: 2 });
  expect(labels?.map(({ label }) => label)).toEqual(['yes', 'no', 'No']);
});

test('more than two outputs have a pair for each two', () => {
  const { pairs, differing } = compare([read('p n u'), read('p n n'), read('p u u')]);
  expect(pairs.map(({ outputs, equal }) => [...outputs, equal])).toEqual([
    [0, 1, 2],
    [0, 2, 2],
    [1, 2, 1],
  ]);
  expect(differing).toBe(2);
});

describe('free text', () => {
  const texts = (count: number, word = 'text') => Array.from({ length: count }, (_, row) => `${word} ${row}`);
  const asFreeText = {
    labels: undefined,
    pairs: [{ kappa: undefined }],
    expected: [{ macroF1: undefined, labels: [], confusion: [] }, {}],
  };

  test('is what hardly any two answers are like: equal texts are counted, nothing else', () => {
    const one = texts(50);
    const other = one.map((text, row) => (row < 20 ? text : `another ${text}`));
    const figures = compare([one, other], one);
    expect(figures).toMatchObject({ ...asFreeText, differing: 30, differentAnswers: 80 });
    expect(figures.pairs[0]).toMatchObject({ rows: 50, equal: 20 });
    expect(figures.expected?.[1]).toMatchObject({ rows: 50, correct: 20 });
  });

  test('is what has more different answers than are counted, which are told apart all the same', () => {
    const one = texts(3 * mostLabels);
    const other = one.map((text, row) => (row % 3 === 0 ? `${text}.` : text));
    const figures = compare(
      [
        [...one, ...one],
        [...other, ...one],
      ],
      [...one, ...one],
    );
    expect(figures).toMatchObject({ ...asFreeText, differing: mostLabels, differentAnswers: undefined });
    expect(figures.pairs[0]).toMatchObject({ rows: 6 * mostLabels, equal: 5 * mostLabels });
  });

  test('many labels that come again and again are labels', () => {
    const one = texts(300);
    const figures = compare([
      [...one, ...one, ...one],
      [...one, ...one, ...one],
    ]);
    expect(figures).toMatchObject({ differentAnswers: 300, pairs: [{ equal: 900, kappa: 1 }] });
    expect(figures.labels).toHaveLength(300);
  });

  test('texts that begin alike are told apart, and shown cut', () => {
    const start = 'a'.repeat(500);
    const { pairs, labels } = compare([
      [`${start}1`, `${start}2`],
      [`${start}1`, `${start}3`],
    ]);
    expect(pairs[0]).toMatchObject({ rows: 2, equal: 1 });
    expect(labels?.map(({ label }) => label.length)).toEqual([200, 200, 200]);
  });
});
