import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/core/models.ts';
import { fieldsOf, mergeAll, readAll, readSent, respond, writeInput } from '../files.ts';

describe('reading JSON', () => {
  const cases: [name: string, text: string, prompts: (string | null)[], ids?: string[]][] = [
    [
      'reads id and prompt',
      '[{"id": "a", "prompt": "one"}, {"id": "b", "prompt": "two"}]',
      ['one', 'two'],
      ['a', 'b'],
    ],
    [
      'names rows without an id by their index',
      '[{"prompt": "one"}, {"id": null, "prompt": "two"}]',
      ['one', 'two'],
    ],
    [
      'keeps every digit of a number id',
      '[{"id":12345678901234567890,"prompt":"a"},{"id":12345678901234567891,"prompt":"a"},{"id":1.0,"prompt":"a"},{"id":-1e400,"prompt":"a"}]',
      ['a', 'a', 'a', 'a'],
      ['12345678901234567890', '12345678901234567891', '1.0', '-1e400'],
    ],
    [
      'takes an id of any other kind as its JSON text',
      '[{"id":true,"prompt":"a"},{"id":{"a" : [1.0, "x y"]},"prompt":"a"},{"id":"","prompt":"a"}]',
      ['a', 'a', 'a'],
      ['true', '{"a":[1.0,"x y"]}', ''],
    ],
    [
      'undoes escapes',
      '[{"\\u0069d":"\\u00e9\\n","prompt":"\\ud83c\\udf88 \\"x\\" \\\\"}]',
      ['🎈 "x" \\'],
      ['é\n'],
    ],
    [
      'has no prompt in null and white space',
      '[{"prompt":null},{"prompt":""},{"prompt":" \\n\\u00a0\\u3000\\ufeff"}]',
      [null, null, null],
    ],
    [
      'sends other values as the JSON text they are',
      '[{"prompt":{"10":1.0,"2": [1e400, "a  b\\u00e9"] , "10": {}}},{"prompt":12345678901234567890},{"prompt":false},{"prompt":[ ]}]',
      ['{"10":1.0,"2":[1e400,"a  b\\u00e9"],"10":{}}', '12345678901234567890', 'false', '[]'],
    ],
    ['lets the last of doubled keys win', '[{"id":1,"prompt":"a","id":2.0,"prompt":3.0}]', ['3.0'], ['2.0']],
    [
      'looks only at the keys of the entry itself',
      '[{"x":{"id":7,"prompt":"no"},"prompt":5,"__proto__":{"id":8}},{"y":"\\"id\\":9","id":10,"prompt":"p"}]',
      ['5', 'p'],
      ['row-0', '10'],
    ],
    [
      'is not misled by brackets and quotes in strings',
      '[{"prompt":"]}\\"[{,\\\\"},{"prompt":"\\\\\\""}]',
      [']}"[{,\\', '\\"'],
    ],
    [
      'looks past a byte order mark and white space',
      '\ufeff \r\n\t[ \n{"prompt":"ä"} ,\r\n{"prompt":"b"} ] \n',
      ['ä', 'b'],
    ],
    ['keeps raw U+2028 and U+0085', '[{"prompt":"a\u2028b\u0085c"}]', ['a\u2028b\u0085c']],
    ['has no rows in an empty list', ' [ ] ', []],
    [
      'tells ids apart that differ in kind of character only',
      '[{"id":"1","prompt":"a"},{"id":"01","prompt":"a"},{"id":"１","prompt":"a"},{"id":"row-5","prompt":"a"}]',
      ['a', 'a', 'a', 'a'],
      ['1', '01', '１', 'row-5'],
    ],
  ];
  it.each(cases)('%s', async (_name, text, prompts, ids) => {
    const expected = prompts.map((prompt, index) => ({ index, id: ids?.[index] ?? `row-${index}`, prompt }));
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
  const cases: [name: string, text: string, response: string | null, merged: string][] = [
    [
      'appends a field and indents by two',
      '[{"id":1,"prompt":"a"},{"prompt":"b"}]',
      'R',
      `${open}    "id": 1,\n    "prompt": "a",\n    "llm_response": "R"\n  },\n  {\n    "prompt": "b",\n    "llm_response": "R"${close}`,
    ],
    [
      'writes null for no response',
      '[{"prompt":"a"}]',
      null,
      `${open}    "prompt": "a",\n    "llm_response": null${close}`,
    ],
    [
      'writes non-ASCII as itself and escapes what JSON must',
      '[{"prompt":"a"}]',
      'é日🎈\u2028"\\\n\u0001',
      `${open}    "prompt": "a",\n    "llm_response": "é日🎈\u2028\\"\\\\\\n\\u0001"${close}`,
    ],
    [
      'keeps numbers as they are written',
      '[{"prompt":"a","n":[1.0,1e400,-0,12345678901234567890,0.1E+2]}]',
      'R',
      `${open}    "prompt": "a",\n    "n": [\n      1.0,\n      1e400,\n      -0,\n      12345678901234567890,\n      0.1E+2\n    ],\n    "llm_response": "R"${close}`,
    ],
    [
      'keeps the order of keys, and doubled ones',
      '[{"b":1,"10":2,"2":3,"__proto__":4,"b":5,"prompt":"a"}]',
      'R',
      `${open}    "b": 1,\n    "10": 2,\n    "2": 3,\n    "__proto__": 4,\n    "b": 5,\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    ],
    [
      'keeps escapes and white space in strings',
      '[{"\\u0061 \\/":"\\u00e9\\/ \\t ,: {} é","prompt":"a"}]',
      'R',
      `${open}    "\\u0061 \\/": "\\u00e9\\/ \\t ,: {} é",\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    ],
    [
      'closes up empty objects and lists',
      '[{"prompt":"a","o":{ },"l":[\n],"n":[[ ],{"x": {}}]}]',
      'R',
      `${open}    "prompt": "a",\n    "o": {},\n    "l": [],\n    "n": [\n      [],\n      {\n        "x": {}\n      }\n    ],\n    "llm_response": "R"${close}`,
    ],
    [
      'overwrites its field in place, whatever it held',
      '[{"llm_response":{"old":[1,"}"]},"prompt":"a","z":1}]',
      'R',
      `${open}    "llm_response": "R",\n    "prompt": "a",\n    "z": 1${close}`,
    ],
    [
      'knows its field behind escapes',
      '[{"llm\\u005fresponse" : 1,"prompt":"a"}]',
      'R',
      `${open}    "llm\\u005fresponse": "R",\n    "prompt": "a"${close}`,
    ],
    [
      'overwrites its field each time it is there',
      '[{"llm_response":1,"prompt":"a","llm_response":2}]',
      'R',
      `${open}    "llm_response": "R",\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    ],
    [
      'leaves a field of its name deeper down alone',
      '[{"x":{"llm_response":1},"prompt":"a"}]',
      'R',
      `${open}    "x": {\n      "llm_response": 1\n    },\n    "prompt": "a",\n    "llm_response": "R"${close}`,
    ],
    ['adds no id', '[{"prompt":null}]', null, `${open}    "prompt": null,\n    "llm_response": null${close}`],
    [
      'drops white space between tokens only',
      '\r\n[\r\n\t{ "prompt" :\t"a b" }\r\n]',
      'R',
      `${open}    "prompt": "a b",\n    "llm_response": "R"${close}`,
    ],
    [
      'ends with a line end if the input does',
      '[{"prompt":"a"}]\r\n',
      'R',
      `${open}    "prompt": "a",\n    "llm_response": "R"${close}\n`,
    ],
    [
      'keeps the byte order mark',
      '\ufeff[{"prompt":"a"}]',
      'R',
      `\ufeff${open}    "prompt": "a",\n    "llm_response": "R"${close}`,
    ],
    ['keeps an empty list', '\ufeff[ \n ]\n', 'R', '\ufeff[]\n'],
  ];
  it.each(cases)('%s', async (_name, text, response, merged) => {
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
    await mergeAll(path, {
      columns: [{ name: 'x', type: 'text' }],
      valuesFor: (row) => [String(asked.push(row))],
    });
    expect(asked).toEqual(await readAll(path));
    expect(asked.map(({ id }) => id)).toEqual(['row-0', '7', 'b']);
  });

  it('takes a prompt and a response of 1 MB', async () => {
    const large = 'é "\\\n'.repeat(200_000);
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
