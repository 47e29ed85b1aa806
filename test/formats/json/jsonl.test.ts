import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/core/models.ts';
import { by, failureOf, fieldsOf, mergeAll, readSent, respond, writeInput, writeRawInput } from '../files.ts';

describe('reading JSONL', () => {
  const cases: [name: string, text: string, prompts: (string | null)[], ids?: string[]][] = [
    [
      'reads id and prompt of each line',
      '{"id": "a", "prompt": "one"}\n{"id": 2, "prompt": "two"}\n',
      ['one', 'two'],
      ['a', '2'],
    ],
    ['needs no line end after the last object', '{"prompt":"a"}', ['a']],
    [
      'takes \\r\\n line ends, and white space around objects',
      '{"prompt":"a"}\r\n \t{"prompt":"b"} \r\n',
      ['a', 'b'],
    ],
    [
      'skips empty lines, and lines of white space',
      '\n\r\n{"prompt":"a"}\n  \t\n\n{"prompt":"b"}\n\n',
      ['a', 'b'],
    ],
    [
      'keeps every digit of a number id',
      '{"id":12345678901234567890,"prompt":"a"}\n{"id":12345678901234567891,"prompt":1.0}\n',
      ['a', '1.0'],
      ['12345678901234567890', '12345678901234567891'],
    ],
    [
      'has no prompt in null and white space',
      '{"prompt":null}\n{"prompt":""}\n{"prompt":" \\n\\u3000"}\n',
      [null, null, null],
    ],
    ['looks past a byte order mark', '\ufeff{"prompt":"ä"}\n', ['ä']],
    [
      'ends no line at U+2028, U+0085 or a lone \\r',
      '{"prompt":"a\u2028b\u0085c"}\r \n{"prompt":\r"d"}\n',
      ['a\u2028b\u0085c', 'd'],
    ],
    [
      'is not misled by brackets and escaped line ends in strings',
      '{"prompt":"}\\n{\\"x\\":1}"}\n{"prompt":"]["}\n',
      ['}\n{"x":1}', ']['],
    ],
    ['has no rows in empty lines', '\n \n', []],
  ];
  it.each(cases)('%s', async (_name, text, prompts, ids) => {
    const expected = prompts.map((prompt, index) => ({ index, id: ids?.[index] ?? `row-${index}`, prompt }));
    expect(await readSent(writeInput('.ndjson', text))).toEqual(expected);
    for (const chunkBytes of [1, 2, 3, 5, 11]) {
      expect(await readSent(writeInput('.jsonl.gz', text), { chunkBytes })).toEqual(expected);
      expect(await readSent(writeInput('.jsonl', text), { chunkBytes })).toEqual(expected);
    }
  });
});

describe('merging JSONL', () => {
  const cases: [name: string, text: string, response: string | null, merged: string][] = [
    [
      'appends a field to each object',
      '{"prompt":"a"}\n{"prompt":"b"}\n',
      'R',
      '{"prompt":"a","llm_response":"R"}\n{"prompt":"b","llm_response":"R"}\n',
    ],
    [
      'writes spaces where the object has them',
      '{"prompt": "a", "x":1}\n',
      'R',
      '{"prompt": "a", "x":1, "llm_response": "R"}\n',
    ],
    ['writes null for no response', '{"prompt":"a"}\n', null, '{"prompt":"a","llm_response":null}\n'],
    [
      'ends the last line',
      '{"prompt":"a"}\r\n{"prompt":"b"}',
      'R',
      '{"prompt":"a","llm_response":"R"}\r\n{"prompt":"b","llm_response":"R"}\r\n',
    ],
    ['ends a lone line with \\n', '{"prompt":"a"} ', 'R', '{"prompt":"a","llm_response":"R"} \n'],
    [
      'keeps empty lines, white space, line ends and the byte order mark',
      '\ufeff\n \r\n\t{ "prompt" : "a" } \r\n\n{"prompt":"b"}\n\r\n',
      'R',
      '\ufeff\n \r\n\t{ "prompt" : "a", "llm_response": "R" } \r\n\n{"prompt":"b","llm_response":"R"}\n\r\n',
    ],
    [
      'keeps numbers, escapes, the order of keys and doubled ones',
      '{"10":1.0,"2":1e400,"10":-0,"k":"\\u00e9\\/ é","n":[1 , {"a":12345678901234567890}],"prompt":"a"}\n',
      'R',
      '{"10":1.0,"2":1e400,"10":-0,"k":"\\u00e9\\/ é","n":[1 , {"a":12345678901234567890}],"prompt":"a","llm_response":"R"}\n',
    ],
    [
      'writes non-ASCII as itself and escapes what JSON must',
      '{"prompt":"a"}\n',
      'é日🎈"\\\n\u0001',
      '{"prompt":"a","llm_response":"é日🎈\\"\\\\\\n\\u0001"}\n',
    ],
    [
      'overwrites its field in place, each time it is there',
      '{"llm_response":{"old":[1,"}"]},"prompt":"a","llm\\u005fresponse": 2 ,"x":{"llm_response":1}}\n',
      'R',
      '{"llm_response":"R","prompt":"a","llm\\u005fresponse": "R" ,"x":{"llm_response":1}}\n',
    ],
  ];
  it.each(cases)('%s', async (_name, text, response, merged) => {
    expect((await mergeAll(writeInput('.jsonl', text), respond(response))).toString()).toBe(merged);
    for (const chunkBytes of [1, 2, 3, 7]) {
      const path = writeInput('.jsonl.gz', text);
      expect((await mergeAll(path, respond(response), { chunkBytes })).toString()).toBe(merged);
    }
  });

  it('overwrites a field in every spelling of its name, and takes its text elsewhere for none', async () => {
    const text = [
      '{"prompt":"a","a\\/b \\"\\u007a\\"":1}',
      '{"prompt":"a","a/b \\"z\\"":{}}',
      '{"prompt":"a/b \\"z\\"" }',
    ];
    const merged = await mergeAll(writeInput('.jsonl', text.join('\n')), fieldsOf({ 'a/b "z"': () => 'R' }));
    expect(merged.toString().split('\n')).toEqual([
      '{"prompt":"a","a\\/b \\"\\u007a\\"":"R"}',
      '{"prompt":"a","a/b \\"z\\"":"R"}',
      '{"prompt":"a/b \\"z\\"","a/b \\"z\\"":"R" }',
      '',
    ]);
  });

  it('appends several fields in order and overwrites the one that is there', async () => {
    const path = writeInput('.jsonl', '{"llm_provider":1,"prompt":"a"}\n');
    const fields = fieldsOf({
      llm_response: ({ id }) => id,
      llm_provider: () => 'openai',
      llm_model: () => null,
    });
    expect((await mergeAll(path, fields)).toString()).toBe(
      '{"llm_provider":"openai","prompt":"a","llm_response":"row-0","llm_model":null}\n',
    );
  });

  it.each([
    [[0], '\ufeff \n{"prompt":"a","x":"R"} \r\n\n'],
    [[1], '\ufeff\n\t{"prompt":"b","x":"R"}\n\n'],
    [[2], '\ufeff{"prompt":"c","x":"R"}\n\n'],
    [[0, 2], '\ufeff \n{"prompt":"a","x":"R"} \r\n{"prompt":"c","x":"R"}\n\n'],
    [[1, 2], '\ufeff\n\t{"prompt":"b","x":"R"}\n{"prompt":"c","x":"R"}\n\n'],
    [[], '\ufeff\n'],
  ])('leaves out rows that are not part of the output (kept: %j)', async (kept, merged) => {
    const text = '\ufeff \n{"prompt":"a"} \r\n\n\t{"prompt":"b"}\n{"prompt":"c"}\n\n';
    const fields = {
      columns: [{ name: 'x', type: 'text' } as const],
      valuesFor: ({ index }: Row) => (kept.includes(index) ? ['R'] : undefined),
    };
    for (const chunkBytes of [undefined, 1, 2, 7]) {
      expect((await mergeAll(writeInput('.jsonl', text), fields, { chunkBytes })).toString()).toBe(merged);
    }
  });

  it('takes the prompt of another field, and of several', async () => {
    const path = writeInput('.jsonl', '{"a":"x","b":1.0}\n');
    expect((await readSent(path, by('b')))[0]?.prompt).toBe('1.0');
    expect((await readSent(path, { promptSource: { template: '{{a}} and {{b}}' } }))[0]?.prompt).toBe(
      'x and 1.0',
    );
  });

  it('takes a prompt and a response of 1 MB', async () => {
    const large = 'é "\\\n'.repeat(200_000);
    const path = writeInput('.jsonl', `${JSON.stringify({ prompt: large })}\n{"prompt":"b"}\n`);
    expect((await readSent(path))[0]?.prompt).toBe(large);
    const merged = (await mergeAll(path, respond(large))).toString();
    const expected = [
      { prompt: large, llm_response: large },
      { prompt: 'b', llm_response: large },
    ];
    expect(merged === expected.map((entry) => `${JSON.stringify(entry)}\n`).join('')).toBe(true);
  });

  it('leaves every line of the airports as it is and appends to it', async () => {
    const path = 'test/data/airports.jsonl';
    const merged = (await mergeAll(path, respond('x, "y"'))).toString();
    expect(merged.replaceAll(',"llm_response":"x, \\"y\\""}\n', '}\n')).toBe(readFileSync(path, 'utf8'));
    expect(await readSent(path)).toHaveLength(200);
  });
});

describe('a JSONL file is refused when', () => {
  const lineHint = 'Each line must be an object such as {"prompt": "…"}.';
  const fieldHint = 'Name the field that holds the prompts as col, or fill several into a prompt.';
  const syntaxHint = 'Each line must hold one whole object; correct it and run again.';
  const cases: [name: string, content: string | Buffer, message: string | RegExp][] = [
    ['it is empty', '', 'the file is empty. Pass a file that holds prompts.'],
    [
      'it holds a list',
      '[{"prompt":"a"}]\n',
      'this is one JSON list, not an object on each line. Give it a name that ends in .json.',
    ],
    ['a line is text', '{"prompt":"a"}\n\n"b"\n', `line 3 is a string, not an object. ${lineHint}`],
    ['a line is no JSON', '{"prompt":"a"}\nprompt\n', `line 2 is not valid JSON. ${lineHint}`],
    [
      'an object goes over several lines',
      '{\n  "prompt": "a"\n}\n',
      new RegExp(`^<file>: line 1 is not valid JSON \\(.*\\)\\. ${syntaxHint}$`),
    ],
    [
      'a line holds two objects',
      '{"prompt":"a"}\n{"prompt":"b"} {"prompt":"c"}\n',
      new RegExp(`^<file>: line 2 is not valid JSON \\(.*\\)\\. ${syntaxHint}$`),
    ],
    [
      'the last line is cut off',
      '{"prompt":"a"}\n\r\n{"prompt":"b',
      new RegExp(`^<file>: line 3 is not valid JSON \\(.*\\)\\. ${syntaxHint}$`),
    ],
    [
      'a prompt is missing',
      '{"prompt":"a"}\n\n{"text":"b"}\n',
      `line 3 has no "prompt"; it has the field "text". ${fieldHint}`,
    ],
    [
      'a prompt holds half a character',
      '{"prompt":"\\ud83c"}\n',
      'the prompt of line 1 holds \\ud83c, half of a surrogate pair. Complete the character or remove it.',
    ],
    [
      'a byte is not UTF-8',
      Buffer.from('{"prompt":"a"}\n{"prompt":"caf\xe9"}\n', 'latin1'),
      'byte 0xE9 on line 2 is not UTF-8. Save the file as UTF-8, or say its encoding, such as windows-1252.',
    ],
    [
      'a bad line stands before a bad byte',
      Buffer.from('{}\n{"prompt":"caf\xe9"}\n', 'latin1'),
      `line 1 has no "prompt"; it has no fields. ${fieldHint}`,
    ],
  ];
  it.each(cases)('%s', async (_name, content, message) => {
    for (const path of [writeInput('.jsonl', content), writeInput('.ndjson.gz', content)]) {
      for (const chunkBytes of [undefined, 1, 5]) {
        const expected = typeof message === 'string' ? `<file>: ${message}` : expect.stringMatching(message);
        expect(await failureOf(path, () => readSent(path, { chunkBytes }))).toEqual(expected);
        expect(await failureOf(path, () => mergeAll(path, respond('R'), { chunkBytes }))).toEqual(expected);
      }
    }
  });

  it('a line does not end within 100 MB', async () => {
    const path = writeRawInput('.jsonl', Buffer.alloc(101 * 1024 * 1024, '{"prompt":"'));
    expect(await failureOf(path, () => readSent(path))).toBe(
      `<file>: line 1 does not end within 100 MB. ${syntaxHint}`,
    );
  });
});

describe('an object without members', () => {
  const cases: [name: string, text: string, merged: string][] = [
    ['closed up', '{}', '{"llm_response":null,"llm_error":null}'],
    ['with a space in it', '{ }', '{"llm_response":null,"llm_error":null }'],
    ['with spaces around it', ' {}\t', ' {"llm_response":null,"llm_error":null}\t'],
    ['in a member', '{"a":{}}', '{"a":{},"llm_response":null,"llm_error":null}'],
  ];
  it.each(cases)('is valid JSON with our fields: %s', async (_name, text, merged) => {
    const path = writeInput('.jsonl', `${text}\n{"b": 1}\n`);
    const lines = await mergeAll(path, fieldsOf({ llm_response: () => null, llm_error: () => null }), {
      promptSource: { template: 'Say {{b}}' },
    });
    expect(lines.toString()).toBe(`${merged}\n{"b": 1, "llm_response": null, "llm_error": null}\n`);
    for (const line of lines.toString().trimEnd().split('\n')) JSON.parse(line);
  });
});
