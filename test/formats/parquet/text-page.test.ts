/** Texts of a page come back from its bytes, and what is no text is told by its place. */
import { describe, expect, test } from 'vitest';
import { readIndexes } from '../../../src/formats/parquet/checks.ts';
import {
  byteLengthAt,
  emptyTexts,
  findStrangeText,
  pickTexts,
  readPlainTexts,
  type TextPage,
  textAt,
  writeTexts,
} from '../../../src/formats/parquet/text-page.ts';

const textsOf = (page: TextPage) => Array.from(page.starts, (_, place) => textAt(page, place));
const all = (count: number) => (visit: (isThere: number, count: number) => void) => visit(1, count);

function plain(...texts: (string | Buffer)[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.from(text).length);
      return [length, Buffer.from(text)];
    }),
  );
}

describe('plain texts', () => {
  test('come back with their nulls, empty ones, and all characters', () => {
    const page = readPlainTexts(plain('a', '', 'é\u0000😀', '\ufffd'), 6, (visit) => {
      visit(1, 2);
      visit(0, 2);
      visit(1, 2);
    });
    expect(textsOf(page)).toEqual(['a', '', null, null, 'é\u0000😀', '\ufffd']);
    expect(findStrangeText(page)).toBeUndefined();
    expect(byteLengthAt(page, 2)).toBe(0);
  });

  test('of which the bytes of two would be a character only together are told from text', () => {
    const page = readPlainTexts(plain('a', Buffer.from([0xc3]), Buffer.from([0xa9])), 3, all(3));
    expect(findStrangeText(page)).toBe(1);
  });

  test('of a length whose own bytes are no UTF-8 are text all the same', () => {
    const page = readPlainTexts(plain('x'.repeat(200)), 1, all(1));
    expect(findStrangeText(page)).toBeUndefined();
  });
});

describe('texts of a dictionary', () => {
  const dictionary = writeTexts(['one', 'two', 'three']);

  test('take room once, and only those that come', () => {
    const page = pickTexts(dictionary, Uint32Array.of(2, 0, 2, 2), 5, (visit) => {
      visit(1, 1);
      visit(0, 1);
      visit(1, 3);
    });
    expect(textsOf(page)).toEqual(['three', null, 'one', 'three', 'three']);
    expect(page.bytes.length).toBe('three one '.length);
  });

  test('that are no UTF-8 count only where they come', () => {
    const strange = writeTexts(['a', Buffer.from([0xff])]);
    expect(findStrangeText(pickTexts(strange, Uint32Array.of(0, 0), 2, all(2)))).toBeUndefined();
    expect(findStrangeText(pickTexts(strange, Uint32Array.of(0, 1), 2, all(2)))).toBe(1);
  });
});

test('texts that a decoder has made come back, and two of them are never one character', () => {
  const page = writeTexts(['a', null, Buffer.from('ü'), '']);
  expect(textsOf(page)).toEqual(['a', null, 'ü', '']);
  expect(findStrangeText(page)).toBeUndefined();
  expect(findStrangeText(writeTexts([Buffer.from([0xc3]), Buffer.from([0xa9])]))).toBe(0);
  expect(textsOf(emptyTexts(2))).toEqual([null, null]);
});

describe('indexes', () => {
  test.each([1, 2, 3, 7, 8, 9, 13, 17, 24, 31, 32])('of %i bits come back', (width) => {
    const numbers = Array.from({ length: 16 }, (_, place) => Math.floor((2 ** width - 1) / (place + 1)));
    let bits = 0n;
    for (const [place, number] of numbers.entries()) bits += BigInt(number) << BigInt(place * width);
    const packed = Buffer.from(
      Array.from({ length: 2 * width }, (_, at) => Number((bits >> BigInt(at * 8)) & 255n)),
    );
    const bytes = Buffer.concat([Buffer.from([width, 2 * 2 + 1]), packed]);
    expect([...readIndexes(bytes, 16, 2 ** 32)]).toEqual(numbers);
  });

  test('of a run come back as often as it says', () => {
    expect([...readIndexes(Buffer.from([9, 6, 1, 1, 2 * 2, 5, 0]), 5, 300)]).toEqual([257, 257, 257, 5, 5]);
  });
});
