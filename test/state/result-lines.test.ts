import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/state/result-lines.ts';

/** A file in memory that notes how many bytes each read asked for. */
function openMemory(bytes: Buffer) {
  const reads: number[] = [];
  const file = {
    readAt(buffer: Buffer, position: number) {
      reads.push(buffer.length);
      return bytes.copy(buffer, 0, position);
    },
    close: async () => {},
  };
  return { reader: new LineReader(file), reads };
}

const lines = Array.from({ length: 5_000 }, (_, index) => `{"custom_id":"row-${index}"}`);
const text = Buffer.from(`${lines.join('\n')}\n`);
const places = lines.map((line, index) => {
  const offset = lines.slice(0, index).reduce((sum, { length }) => sum + length + 1, 0);
  return { line, offset, length: line.length };
});

describe('reading lines by their place', () => {
  it('takes neighbours from one read, also where some between them are left out', () => {
    const { reader, reads } = openMemory(text);
    for (const [index, { line, offset, length }] of places.entries())
      if (index % 3 !== 1) expect(reader.read(offset, length).toString()).toBe(line);
    expect(reads).toEqual([65_536, 65_536]);
  });

  it('takes neighbours from one read where they come backwards', () => {
    const { reader, reads } = openMemory(text);
    for (const { line, offset, length } of [...places].reverse())
      expect(reader.read(offset, length).toString()).toBe(line);
    expect(reads).toEqual([24, 65_536, 65_536]);
  });

  it('reads lines in any other order alone, and keeps the window for those that are in it', () => {
    const { reader, reads } = openMemory(text);
    const read = (index: number) => {
      const { line, offset, length } = places[index] as (typeof places)[number];
      expect(reader.read(offset, length).toString()).toBe(line);
    };
    read(0);
    for (const index of [4_999, 3_000, 4_000, 7]) read(index);
    expect(reads).toEqual([65_536, 24, 24, 24]);
  });

  it('reads a line that is longer than a window', () => {
    const long = `${'x'.repeat(100_000)}`;
    const { reader, reads } = openMemory(Buffer.from(`${long}\nshort\n`));
    expect(reader.read(0, 100_000).toString()).toBe(long);
    expect(reader.read(100_001, 5).toString()).toBe('short');
    expect(reads).toEqual([100_000, 65_536]);
  });
});
