import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/core/models.ts';
import { fieldsOf, mergeAll, readAll, readSent, respond, writeInput } from '../files.ts';

describe('reading JSON', () => {
  const cases: { name: string; text: string; rows: [id: string, prompt: string | null][] }[] = [
    {
      name: 'reads id and prompt',
      text: '[{"id": "a", "prompt": "one"}, {"id": "b", "prompt": "two"}]',
      rows: [
        ['a', 'one'],
        ['b', 'two'],
      ],
    },
    {
      name: 'names rows without an id by their index',
      text: '[{"prompt": "one"}, {"id": null, "prompt": "two"}]',
      rows: [
        ['row-0', 'one'],
        ['row-1', 'two'],
      ],
    },
    {
      name: 'keeps every digit of a number id',
      text: '[{"id":12345678901234567890,"prompt":"a"},{"id":12345678901234567891,"prompt":"a"},{"id":1.0,"prompt":"a"},{"id":-1e400,"prompt":"a"}]',
      rows: [
        ['12345678901234567890', 'a'],
        ['12345678901234567891', 'a'],
        ['1.0', 'a'],
        ['-1e400', 'a'],
      ],
    },
    {
      name: 'takes an id of any other kind as its JSON text',
      text: '[{"id":true,"prompt":"a"},{"id":{"a" : [1.0, "x y"]},"prompt":"a"},{"id":"","prompt":"a"}]',
      rows: [
        ['true', 'a'],
        ['{"a":[1.0,"x y"]}', 'a'],
        ['', 'a'],
      ],
    },
    {
      name: 'undoes escapes',
      text: '[{"\\u0069d":"\\u00e9\\n","prompt":"\\ud83c\\udf88 \\"x\\" \\\\"}]',
      rows: [['é\n', '🎈 "x" \\']],
    },
    {
      name: 'has no prompt in null and white space',
      text: '[{"prompt":null},{"prompt":""},{"prompt":" \\n\\u00a0\\u3000\\ufeff"}]',
      rows: [
        ['row-0', null],
        ['row-1', null],
        ['row-2', null],
      ],
    },
    {
      name: 'sends other values as the JSON text they are',
      text: '[{"prompt":{"10":1.0,"2": [1e400, "a  b\\u00e9"] , "10": {}}},{"prompt":12345678901234567890},{"prompt":false},{"prompt":[ ]}]',
      rows: [
        ['row-0', '{"10":1.0,"2":[1e400,"a  b\\u00e9"],"10":{}}'],
        ['row-1', '12345678901234567890'],
        ['row-2', 'false'],
        ['row-3', '[]'],
      ],
    },
    {
      name: 'lets the last of doubled keys win',
      text: '[{"id":1,"prompt":"a","id":2.0,"prompt":3.0}]',
      rows: [['2.0', '3.0']],
    },
    {
      name: 'looks only at the keys of the entry itself',
      text: '[{"x":{"id":7,"prompt":"no"},"prompt":5,"__proto__":{"id":8}},{"y":"\\"id\\":9","id":10,"prompt":"p"}]',
      rows: [
        ['row-0', '5'],
        ['10', 'p'],
      ],
    },
    {
      name: 'is not misled by brackets and quotes in strings',
      text: '[{"prompt":"]}\\"[{,\\\\"},{"prompt":"\\\\\\""}]',
      rows: [
        ['row-0', ']}"[{,\\'],
        ['row-1', '\\"'],
      ],
    },
    {
      name: 'looks past a byte order mark and white space',
      text: '\ufeff \r\n\t[ \n{"prompt":"ä"} ,\r\n{"prompt":"b"} ] \n',
      rows: [
        ['row-0', 'ä'],
        ['row-1', 'b'],
      ],
    },
    {
      name: 'keeps raw U+2028 and U+0085',
      text: '[{"prompt":"a\u2028b\u0085c"}]',
      rows: [['row-0', 'a\u2028b\u0085c']],
    },
    { name: 'has no rows in an empty list', text: ' [ ] ', rows: [] },
    {
      name: 'tells ids apart that differ in kind of character only',
      text: '[{"id":"1","prompt":"a"},{"id":"01","prompt":"a"},{"id":"１","prompt":"a"},{"id":"row-5","prompt":"a"}]',
      rows: [
        ['1', 'a'],
        ['01', 'a'],
        ['１', 'a'],
        ['row-5', 'a'],
      ],
    },
  ];
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, { text, rows }) => {
    const expected: Row[] = rows.map(([id, prompt], index) => ({ index, id, prompt }));
    expect(await readSent(writeInput('.json', text))).toEqual(expected);
    for (const chunkBytes of [1, 2, 3, 5, 11]) {
      expect(await readSent(writeInput('.json.gz', text), { chunkBytes })).toEqual(expected);
      expect(await readSent(writeInput('.json', text), { chunkBytes })).toEqual(expected);
    }
  });
});

describe('merging JSON', () => {
  const open = '[\n  {\n';
  const close = '\n  }\n]';
  const cases: { name: string; text: string; response: string | null; merged: string }[] = [
    {
      name: 'appends a field and indents by two',
      text: '[{"id":1,"prompt":"a"},{"prompt":"b"}]',
      response: 'R',
      merged: `${open}    "id": 1,\n    "prompt": "a",\n    "llm_response": "R"\n  },\n  {\n    "prompt": "b",\n    "llm_response": "R"${close}`,
    },
    {
      name: 'writes null for no response',
      text: '[{"prompt":"a"}]',
      response: null,
      merged: `${open}    "prompt": "a",\n    "llm_response": null${close}`,
    },
    {
      name: 'writes non-ASCII as itself and escapes what JSON must',
      text: '[{"prompt":"a"}]',
      response: 'é日🎈\u2028"\\\n\u0001',
      merged: `${open}    "prompt": "a",\n    "llm_response": "é日🎈\u2028\\"\\\\\\n\\u0001"${close}`,
    },
    {
      name: 'keeps numbers as they are written',
      text: '[{"prompt":"a","n":[1.0,1e400,-0,12345678901234567890,0.1E+2]}]',
      response: 'R',
      merged: `${open}    "prompt": "a",\n    "n": [\n      1.0,\n      1e400,\n      -0,\n      12345678901234567890,\n      0.1E+2\n    ],\n    "llm_response": "R"${close}`,
    },
    {
      name: 'keeps the order of keys, and doubled ones',
      text: '[{"b":1,"10":2,"2":3,"__proto__":4,"b":5,"prompt":"a"}]',
      response: 'R',
      merged: `${open}    "b": 1,\n    "10": 2,\n    "2": 3,\n    "__proto__": 4,\n    "b": 5,\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    },
    {
      name: 'keeps escapes and white space in strings',
      text: '[{"\\u0061 \\/":"\\u00e9\\/ \\t ,: {} é","prompt":"a"}]',
      response: 'R',
      merged: `${open}    "\\u0061 \\/": "\\u00e9\\/ \\t ,: {} é",\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    },
    {
      name: 'closes up empty objects and lists',
      text: '[{"prompt":"a","o":{ },"l":[\n],"n":[[ ],{"x": {}}]}]',
      response: 'R',
      merged: `${open}    "prompt": "a",\n    "o": {},\n    "l": [],\n    "n": [\n      [],\n      {\n        "x": {}\n      }\n    ],\n    "llm_response": "R"${close}`,
    },
    {
      name: 'overwrites its field in place, whatever it held',
      text: '[{"llm_response":{"old":[1,"}"]},"prompt":"a","z":1}]',
      response: 'R',
      merged: `${open}    "llm_response": "R",\n    "prompt": "a",\n    "z": 1${close}`,
    },
    {
      name: 'knows its field behind escapes',
      text: '[{"llm\\u005fresponse" : 1,"prompt":"a"}]',
      response: 'R',
      merged: `${open}    "llm\\u005fresponse": "R",\n    "prompt": "a"${close}`,
    },
    {
      name: 'overwrites its field each time it is there',
      text: '[{"llm_response":1,"prompt":"a","llm_response":2}]',
      response: 'R',
      merged: `${open}    "llm_response": "R",\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    },
    {
      name: 'leaves a field of its name deeper down alone',
      text: '[{"x":{"llm_response":1},"prompt":"a"}]',
      response: 'R',
      merged: `${open}    "x": {\n      "llm_response": 1\n    },\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    },
    {
      name: 'adds no id',
      text: '[{"prompt":null}]',
      response: null,
      merged: `${open}    "prompt": null,\n    "llm_response": null${close}`,
    },
    {
      name: 'drops white space between tokens only',
      text: '\r\n[\r\n\t{ "prompt" :\t"a b" }\r\n]',
      response: 'R',
      merged: `${open}    "prompt": "a b",\n    "llm_response": "R"${close}`,
    },
    {
      name: 'ends with a line end if the input does',
      text: '[{"prompt":"a"}]\r\n',
      response: 'R',
      merged: `${open}    "prompt": "a",\n    "llm_response": "R"${close}\n`,
    },
    {
      name: 'keeps the byte order mark',
      text: '\ufeff[{"prompt":"a"}]',
      response: 'R',
      merged: `\ufeff${open}    "prompt": "a",\n    "llm_response": "R"${close}`,
    },
    { name: 'keeps an empty list', text: '\ufeff[ \n ]\n', response: 'R', merged: '\ufeff[]\n' },
  ];
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, { text, response, merged }) => {
    expect((await mergeAll(writeInput('.json', text), respond(response))).toString()).toBe(merged);
    for (const chunkBytes of [1, 3]) {
      const path = writeInput('.json.gz', text);
      expect((await mergeAll(path, respond(response), { chunkBytes })).toString()).toBe(merged);
    }
  });

  it('appends several fields in order and overwrites the one that is there', async () => {
    const path = writeInput('.json', '[{"llm_provider":1,"prompt":"a"}]');
    const fields = fieldsOf({
      llm_response: ({ id }) => id,
      llm_provider: () => 'openai',
      llm_model: () => null,
    });
    expect(JSON.parse((await mergeAll(path, fields)).toString())).toEqual([
      { llm_provider: 'openai', prompt: 'a', llm_response: 'row-0', llm_model: null },
    ]);
  });

  it('asks for each row once, in order, as it was read', async () => {
    const path = writeInput('.json', '[{"prompt":"a"},{"id":7,"prompt":" "},{"id":"b","prompt":1.0}]');
    const asked: Row[] = [];
    await mergeAll(path, { names: ['x'], valuesFor: (row) => [String(asked.push(row))] });
    expect(asked).toEqual(await readAll(path));
    expect(asked.map(({ id }) => id)).toEqual(['row-0', '7', 'b']);
  });

  it('takes a prompt and a response of 5 MB', async () => {
    const large = 'é "\\\n'.repeat(1_000_000);
    const entry = { id: 1, prompt: large };
    const path = writeInput('.json', JSON.stringify([entry, { prompt: 'b' }]));
    expect((await readSent(path))[0]?.prompt).toBe(large);
    const merged = (await mergeAll(path, respond(large))).toString();
    const expected = [
      { ...entry, llm_response: large },
      { prompt: 'b', llm_response: large },
    ];
    expect(merged === JSON.stringify(expected, null, 2)).toBe(true);
  });
});
