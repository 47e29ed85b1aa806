import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { digestText } from '../../../src/core/request/digest.ts';

it.each(['', 'plain', 'Größe 日本 😀', 'half a pair: \ud83d', '\0 and \ufffd', 'é'.repeat(20_000)])(
  'digests a text as the sha256 of its UTF-8, however long: %j',
  (text) => {
    expect(digestText(text)).toEqual(createHash('sha256').update(text, 'utf8').digest());
  },
);
