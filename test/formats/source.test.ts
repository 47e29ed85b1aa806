import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { detectFormat } from '../../src/formats/format.ts';
import { converterFor } from '../../src/formats/index.ts';
import { by, mergeAll, readSent, respond, writeInput, writeRawInput } from './files.ts';

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

describe('onBytes', () => {
  const table = `text\n${'word é\n'.repeat(12_000)}`;
  const objects = Array(8_000).fill('{"text":"é"}');
  it.each([
    ['.csv', table],
    ['.tsv', table],
    ['.json', `[${objects.join(',')}]`],
    ['.jsonl', objects.join('\n')],
  ])('sees every byte of a %s file once, packed and not, in both passes', async (type, content) => {
    for (const extension of [type, `${type}.gz`]) {
      const path = writeInput(extension, content);
      const expected = sha256(readFileSync(path));
      const passes = [
        (onBytes: (chunk: Buffer) => void) => readSent(path, by('text', { onBytes })),
        (onBytes: (chunk: Buffer) => void) => mergeAll(path, respond('R'), by('text', { onBytes })),
      ];
      for (const pass of passes) {
        const hash = createHash('sha256');
        await pass((chunk) => hash.update(chunk));
        expect(hash.digest('hex')).toBe(expected);
      }
    }
  });

  it('sees the zeros that may follow a gzip file', async () => {
    const path = writeRawInput('.csv.gz', Buffer.concat([gzipSync('text\na\n'), Buffer.alloc(100_000)]));
    for (const chunkBytes of [100, undefined]) {
      const hash = createHash('sha256');
      const rows = await readSent(path, {
        promptSource: { column: 'text' },
        chunkBytes,
        onBytes: (chunk) => void hash.update(chunk),
      });
      expect(rows).toHaveLength(1);
      expect(hash.digest('hex')).toBe(sha256(readFileSync(path)));
    }
  });

  it('may stop the reading by throwing', async () => {
    const path = writeInput('.json.gz', '[]');
    const onBytes = () => {
      throw new RangeError('enough');
    };
    await expect(readSent(path, { onBytes })).rejects.toBeInstanceOf(RangeError);
  });
});

it('reads a gzip file of several members', async () => {
  const path = writeRawInput('.csv.gz', Buffer.concat([gzipSync('text\na'), gzipSync('b\nc\n')]));
  expect((await readSent(path, by('text'))).map(({ prompt }) => prompt)).toEqual(['ab', 'c']);
});

it('reads characters of several bytes wherever the chunks are cut', async () => {
  const prompt = 'é日🎈'.repeat(20_000);
  for (const shift of ['', 'x', 'xx', 'xxx']) {
    expect((await readSent(writeInput('.csv', `text\n${shift}${prompt}\n`), by('text')))[0]?.prompt).toBe(
      shift + prompt,
    );
    expect(
      (await readSent(writeInput('.json', JSON.stringify([{ prompt: shift + prompt }]))))[0]?.prompt,
    ).toBe(shift + prompt);
  }
});

describe.skipIf(process.platform !== 'linux')('a reader that stops early', () => {
  function isOpen(path: string): boolean {
    return readdirSync('/proc/self/fd').some((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
      } catch {
        return false;
      }
    });
  }

  const big = Array.from({ length: 50_000 }, (_, index) => `row ${index * 7919}`);
  const objects = big.map((text) => JSON.stringify({ text }));
  it.each([
    ['.csv', `text\n${big.join('\n')}\n`],
    ['.tsv', `text\n${big.join('\n')}\n`],
    ['.json', `[${objects.join(',')}]`],
    ['.jsonl', objects.join('\n')],
  ])('closes a %s file, packed or not, by break and by throw', async (type, content) => {
    for (const extension of [type, `${type}.gz`]) {
      const path = writeInput(extension, content);
      const { fileType, gzip } = detectFormat(path);
      const converter = await converterFor(fileType);
      let bytesRead = 0;
      const onBytes = (chunk: Buffer) => {
        bytesRead += chunk.length;
      };
      const options = { promptSource: { column: 'text' }, chunkBytes: 4096, onBytes };
      for await (const rows of converter.readRows(path, gzip, options)) {
        expect(isOpen(path)).toBe(true);
        if ((rows.at(-1)?.index ?? 0) >= 5) break;
      }
      expect(isOpen(path)).toBe(false);
      expect(bytesRead).toBeLessThan(statSync(path).size / 2);
      for await (const _chunk of converter.mergeRows(path, gzip, options, respond('R'))) break;
      expect(isOpen(path)).toBe(false);
      const failing = {
        columns: [{ name: 'x', type: 'text' } as const],
        valuesFor: () => {
          throw new RangeError('enough');
        },
      };
      await expect(mergeAll(path, failing, options)).rejects.toThrow('enough');
      expect(isOpen(path)).toBe(false);
    }
  });
});
