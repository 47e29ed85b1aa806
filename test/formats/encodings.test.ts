import { describe, expect, it } from 'vitest';
import type { TextLayout } from '../../src/formats/format.ts';
import { by, failureOf, mergeAll, readSent, respond, writeInput, writeRawInput } from './files.ts';

const sizes = [undefined, 1, 2, 3, 7];

function wide(text: string, isBigEndian = false): Buffer {
  const bytes = Buffer.from(text, 'utf16le');
  return isBigEndian ? bytes.swap16() : bytes;
}

async function promptsOf(path: string, layout?: TextLayout, column = 'text'): Promise<(string | null)[]> {
  const all = await Promise.all(
    sizes.map(async (chunkBytes) => {
      const rows = await readSent(path, by(column, { layout, chunkBytes }));
      return rows.map(({ prompt }) => prompt);
    }),
  );
  for (const prompts of all) expect(prompts).toEqual(all[0]);
  return all[0] as (string | null)[];
}

describe('text with a byte order mark of UTF-16', () => {
  const table = 'id;text\r\n1;"é; 猫 😀"\r\n2;b\r\n';

  it.each([
    ['little', false],
    ['big', true],
  ])('is found in CSV, with the %s end first', async (_name, isBigEndian) => {
    const content = wide(`\ufeff${table}`, isBigEndian);
    for (const path of [writeInput('.csv', content), writeInput('.csv.gz', content)]) {
      expect(await promptsOf(path)).toEqual(['é; 猫 😀', 'b']);
      expect(String(await mergeAll(path, respond('ö'), by('text')))).toBe(
        '\ufeffid;text;llm_response\r\n1;"é; 猫 😀";ö\r\n2;b;ö\r\n',
      );
    }
  });

  it('is found in JSON and JSONL', async () => {
    const json = writeInput('.json', wide('\ufeff[{"text": "é"}, {"text": "😀"}]\n'));
    expect(await promptsOf(json)).toEqual(['é', '😀']);
    expect(String(await mergeAll(json, respond('ö'), by('text')))).toBe(
      '\ufeff[\n  {\n    "text": "é",\n    "llm_response": "ö"\n  },\n  {\n    "text": "😀",\n    "llm_response": "ö"\n  }\n]\n',
    );
    const lines = writeInput('.jsonl', wide('\ufeff{"text": "é"}\n{"text": "😀"}\n'));
    expect(await promptsOf(lines)).toEqual(['é', '😀']);
    expect(String(await mergeAll(lines, respond('ö'), by('text')))).toBe(
      '\ufeff{"text": "é", "llm_response": "ö"}\n{"text": "😀", "llm_response": "ö"}\n',
    );
  });

  it('outranks the encoding that is said, as that of UTF-8 does', async () => {
    const layout = { encoding: 'windows-1252' };
    expect(await promptsOf(writeInput('.csv', wide('\ufefftext\né\n')), layout)).toEqual(['é']);
    expect(await promptsOf(writeInput('.csv', '\ufefftext\né\n'), layout)).toEqual(['é']);
  });

  it('ends with whole characters', async () => {
    const path = writeInput('.csv', wide('\ufefftext\na\nb').subarray(0, -1));
    expect(await failureOf(path, () => readSent(path, by('text')))).toBe(
      '<file>: byte 0x62 on line 3 is not utf-16le. Say another encoding, or save the file as UTF-8.',
    );
  });

  it('is empty where it holds nothing else', async () => {
    const path = writeInput('.csv', wide('\ufeff'));
    expect(await failureOf(path, () => readSent(path, by('text')))).toMatch(/^<file>: the file is empty\./);
  });
});

it('proposes UTF-16 where it finds that without a byte order mark', async () => {
  for (const isBigEndian of [false, true]) {
    const path = writeInput('.csv', wide('id,text\n1,é\n', isBigEndian));
    const encoding = isBigEndian ? 'utf-16be' : 'utf-16le';
    expect(await failureOf(path, () => readSent(path, by('text')))).toBe(
      `<file>: this looks like UTF-16 without a byte order mark. Save the file as UTF-8, or say its encoding: ${encoding}.`,
    );
    expect(await promptsOf(path, { encoding })).toEqual(['é']);
  }
});

describe('text in an encoding that is said', () => {
  const cases: [encoding: string, bytes: number[], text: string][] = [
    ['windows-1252', [0x80, 0x92, 0xe9, 0x9f, 0x81], '€’éŸ\x81'],
    ['latin1', [0x93, 0xfc, 0x94], '“ü”'],
    ['iso-8859-15', [0xa4, 0xe9], '€é'],
    ['windows-1251', [0xcf, 0xf0, 0xe8], 'При'],
    ['shift_jis', [0x94, 0x4c, 0x83, 0x5c], '猫ソ'],
    ['gb18030', [0xc3, 0xa8], '猫'],
    ['euc-kr', [0xb0, 0xed], '고'],
    ['macintosh', [0x8e], 'é'],
  ];
  it.each(cases)(
    'is read in %s, and written in UTF-8 with a byte order mark',
    async (encoding, bytes, text) => {
      const path = writeRawInput(
        '.csv',
        Buffer.concat([Buffer.from('id,text\n1,'), Buffer.from(bytes), Buffer.from('\n')]),
      );
      const layout = { encoding };
      expect(await promptsOf(path, layout)).toEqual([text]);
      for (const chunkBytes of sizes) {
        const merged = await mergeAll(path, respond('R'), by('text', { layout, chunkBytes }));
        expect(String(merged)).toBe(`\ufeffid,text,llm_response\n1,${text},R\n`);
      }
    },
  );

  it('has a delimiter that is found once it is decoded', async () => {
    const path = writeInput('.csv', wide('id;text\n1;a, b\n'));
    expect(await promptsOf(path, { encoding: 'utf-16le' })).toEqual(['a, b']);
  });

  it('is refused at the first place where it is none, with the rows ahead of it out', async () => {
    const content = Buffer.concat([
      Buffer.from('id,text\n'),
      Buffer.from('1,ab\n'.repeat(40_000)),
      Buffer.from([0x32, 0x2c, 0x94, 0x4c, 0x0a, 0x33, 0x2c, 0x81, 0x20, 0x0a]),
    ]);
    for (const extension of ['.csv', '.csv.gz']) {
      const path = writeInput(extension, content);
      for (const chunkBytes of [undefined, 1000]) {
        const options = by('text', { layout: { encoding: 'shift_jis' }, chunkBytes });
        expect(await failureOf(path, () => readSent(path, options))).toBe(
          '<file>: byte 0x20 on line 40003 is not shift_jis. Say another encoding, or save the file as UTF-8.',
        );
      }
    }
  });

  it('is told from one that there is not', async () => {
    const path = writeInput('.csv', 'text\na\n');
    const read = (encoding: string) => readSent(path, by('text', { layout: { encoding } }));
    await expect(read('windows-1253x')).rejects.toMatchObject({
      message: 'there is no encoding "windows-1253x".',
      hint: 'Did you mean windows-1252?',
    });
  });

  it('is UTF-8 as ever under that name', async () => {
    const path = writeInput('.csv', 'text\né\n');
    const merged = await mergeAll(path, respond('R'), by('text', { layout: { encoding: 'UTF8' } }));
    expect(String(merged)).toBe('text,llm_response\né,R\n');
  });
});
