/** Where prompts come from: another field of JSON rows, or a template that is filled from several columns or fields. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { refusal } from '../worlds/http-server.ts';
import { promptOf, usualAnswer } from '../worlds/openai-double.ts';
import { useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

/** The prompts that reached the provider, of live calls and batches. */
function sentPrompts(): string[] {
  const calls = world.openai.requests
    .filter(({ path }) => path.endsWith('/chat/completions'))
    .map(({ body }) => JSON.parse(body).messages[0].content as string);
  return [...calls, ...world.openai.batches.flatMap(({ lines }) => lines.map(promptOf))];
}

/** Runs and, where it is a batch, fetches; gives the output. */
async function answer(mode: string, name: string, ...flags: string[]): Promise<string> {
  const run = await world.run(`--${mode}`, '-f', name, '-o', 'answers', ...flags);
  const ended = mode === 'sync' ? run : await world.loom('fetch');
  expect(ended).toMatchObject({ code: 0 });
  return world.read('answers');
}

describe.each(['batch', 'sync'])('JSON rows with --col, --%s:', (mode) => {
  test('the field that it names is sent, and "prompt" is a field like any other', async () => {
    await world.write('rows.json', '[{"prompt": "not me", "text": "Hello"}, {"text": 12345678901234567890}]');
    expect(await answer(mode, 'rows.json', '--col', 'text')).toBe(
      [
        '[',
        '  {',
        '    "prompt": "not me",',
        '    "text": "Hello",',
        `    "llm_response": ${JSON.stringify(usualAnswer('Hello'))}`,
        '  },',
        '  {',
        '    "text": 12345678901234567890,',
        `    "llm_response": ${JSON.stringify(usualAnswer('12345678901234567890'))}`,
        '  }',
        ']',
      ].join('\n'),
    );
    expect(sentPrompts().sort()).toEqual(['12345678901234567890', 'Hello']);
  });

  test('an entry without that field is named, with the fields that it has; nothing is sent', async () => {
    await world.write('rows.json', '[{"text": "Hello"}, {"id": 7, "Text": "World"}]');
    const ended = await world.run(`--${mode}`, '-f', 'rows.json', '--col', 'text');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(
      'rows.json: entry 2 has no "text"; it has the fields "id", "Text". Did you mean "Text"?\n',
    );
    expect(world.openai.requests).toEqual([]);
  });
});

const template = 'Translate into {{language}}: {{text}}';
const phrases = 'text,language\nGood morning,French\n"Where, then?",\n,\n';
const translated = [
  `text,language,llm_response`,
  `Good morning,French,${usualAnswer('Translate into French: Good morning')}`,
  `"Where, then?",,"${usualAnswer('Translate into : Where, then?')}"`,
  `,,\n`,
].join('\n');

describe.each(['batch', 'sync'])('--prompt with --%s', (mode) => {
  test('is filled from the columns of each row; a row where all of them are blank is not sent', async () => {
    await world.write('phrases.csv', phrases);
    expect(await answer(mode, 'phrases.csv', '--prompt', template)).toBe(translated);
    expect(sentPrompts().sort()).toEqual([
      'Translate into : Where, then?',
      'Translate into French: Good morning',
    ]);
  });

  test('is filled from the fields of JSON rows: values as their text, absent ones and null as nothing', async () => {
    const rows = [
      String.raw`{"id": 1, "text": "a {{n}} $& \\{{id}}", "n": 1.50, "big": 12345678901234567890, "on": true, "list": [1, {"k" : 2}]}`,
      String.raw`{"id": 2, "text": "\u007b\u007bid\u007d\u007d", "n": null}`,
      '{"id": 3, "other": "x"}',
    ];
    await world.write('rows.json', `[${rows.join(', ')}]`);
    const output = await answer(
      mode,
      'rows.json',
      '--prompt',
      String.raw`{{text}}|{{ n }}|{{big}}|{{on}}|{{list}}|\{{n}}`,
    );
    expect(sentPrompts().sort()).toEqual([
      String.raw`a {{n}} $& \{{id}}|1.50|12345678901234567890|true|[1,{"k":2}]|{{n}}`,
      '{{id}}|||||{{n}}',
    ]);
    expect(JSON.parse(output)[2]).toEqual({ id: 3, other: 'x', llm_response: null });
  });

  test.each([
    ['@template.txt', 'text,language\nGood morning,French\n', 'French:\nGood morning\n'],
    ['@@all {{text}}', 'text,language\nGood morning,French\n', '@all Good morning'],
    // White space around the name in the header counts for nothing.
    ['{{ language }}:{{text}}', 'text, language \nHello, French\n', ' French:Hello'],
  ])('as %j, which may name a file whose last line end does not count', async (prompt, rows, sent) => {
    await world.write('phrases.csv', rows);
    await world.write('template.txt', '\uFEFF{{language}}:\n{{text}}\n\n');
    await answer(mode, 'phrases.csv', '--prompt', prompt);
    expect(sentPrompts()).toEqual([sent]);
  });

  test('asks rows that come out equal once, and nothing that was asked as a column', async () => {
    await world.write('phrases.csv', 'a,b,whole\nx,yz,xyz\nxy,z,xyz\n');
    await answer(mode, 'phrases.csv', '--col', 'whole');
    expect(sentPrompts()).toEqual(['xyz']);
    const flags = ['-f', 'phrases.csv', '--prompt', '{{a}}{{b}}', '-o', 'again.csv'];
    expect(await world.run(`--${mode}`, ...flags)).toMatchObject({ code: 0 });
    expect(sentPrompts()).toEqual(['xyz']);
    const expected = usualAnswer('xyz');
    expect(await world.read('again.csv')).toBe(
      `a,b,whole,llm_response\nx,yz,xyz,${expected}\nxy,z,xyz,${expected}\n`,
    );
  });
});

describe('--prompt is refused, and nothing is sent,', () => {
  const columns = 'it has the columns "id", "text", "language".';
  const cases: [template: string, code: number, says: string, ...more: string[]][] = [
    ['{{langage}}: {{text}}', 1, `data.csv: no column "langage"; ${columns} Did you mean "language"?`],
    ['{{x-y-z}}', 1, `data.csv: no column "x-y-z"; ${columns} Name one of these with --prompt.`],
    [
      '{{txt}} {{b}}',
      1,
      'rows.json: no entry has "txt"; entry 1 has the fields "text", "a". Did you mean "text"?',
      ...['-f', 'rows.json'],
    ],
    [
      '{{text}}',
      2,
      "option '--prompt <template>' cannot be used with option '-c, --col <name>'",
      '-c',
      'text',
    ],
    [
      'text',
      2,
      '--prompt has no placeholder: every row would ask the same. Name a column or field in it, as in "Summarize {{text}}".',
    ],
    [
      'Translate {text}',
      2,
      '--prompt has no placeholder: every row would ask the same. A name stands in two pairs of braces: {{text}}.',
    ],
    [' ', 2, 'It must not be empty.'],
    ['@gone.txt', 1, 'gone.txt: no such file or folder. For a text that begins with @ itself, write @@.'],
    ['@.', 1, "can't read the file of --prompt, "],
    ['@latin.txt', 1, 'latin.txt: it is not UTF-8.'],
    ['Say {{text}}', 1, 'Input file contains no prompts. Check', '-f', 'blank.csv'],
  ];
  const commands = [
    ['run', '-p', 'openai'],
    ['run', '--sync', '-p', 'openai'],
    ['tokens', '-p', 'anthropic'],
  ];

  test.each(cases)('as %j', async (prompt, code, says, ...more) => {
    Object.assign(world.environment, { ANTHROPIC_API_KEY: 'a', ANTHROPIC_BASE_URL: world.openai.url });
    await world.write('data.csv', 'id,text,language\n1,Hello,French\n');
    await world.write('rows.json', '[{"text": "Hello", "a": 1}, {"b": 2}]');
    await world.write('blank.csv', 'id,text\n1,\n2," "\n');
    await world.write('latin.txt', Buffer.from('{{text}} caf\xe9', 'latin1'));
    for (const command of commands) {
      const ended = await world.loom(...command, '-m', 'm', '-f', 'data.csv', '--prompt', prompt, ...more);
      expect(ended).toMatchObject({ code, stdout: '' });
      expect(ended.stderr.split('\n').find((line) => line.startsWith('Error: '))).toContain(says);
    }
    expect(world.openai.requests).toEqual([]);
  });
});

test('a CSV without --col and --prompt is refused with both named, and so is a JSON row without a prompt', async () => {
  expect((await world.loom('run', '-f', 'data.csv', '-p', 'openai', '-m', 'm')).stderr).toBe(
    `Error: --col is required for CSV input; ${join(world.folder, 'data.csv')} has the columns "id", "text". Pass --col with the one that holds the prompts, or a --prompt that is filled with several.\n`,
  );
  await world.write('rows.json', '[{"text": "Hello"}]');
  expect((await world.run('-f', 'rows.json')).stderr).toContain(
    'rows.json: entry 1 has no "prompt"; it has the field "text". Name the field that holds the prompts with --col, or fill several into a --prompt.\n',
  );
});

describe('a batch with --prompt', () => {
  beforeEach(() => world.write('phrases.csv', phrases));
  const output = 'phrases_results_openai_m.csv';

  test('keeps the template in its record and not the file, which may change or go', async () => {
    await world.write('template.txt', `${template}\n`);
    const id = await world.submit('-f', 'phrases.csv', '--prompt', '@template.txt');
    expect(await world.readRecord(id)).toMatchObject({ prompt_column: null, prompt_template: template });
    await rm(join(world.folder, 'template.txt'));
    expect(await world.loom('fetch')).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(translated);
  });

  test('is written from its record alone when its job is lost', async () => {
    await world.submit('-f', 'phrases.csv', '--prompt', template);
    await rm(world.statePath('jobs'), { recursive: true });
    expect(await world.loom('fetch')).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(translated);
  });

  test('refuses a file in which a column of the template changed, and takes one where another did', async () => {
    const id = await world.submit('-f', 'phrases.csv', '--prompt', template);
    await world.write('phrases.csv', phrases.replace('French', 'German'));
    expect((await world.loom('fetch')).stderr).toContain('the prompt of row 1 is not the one that was sent.');
    await world.write('phrases.csv', 'x,language,text\n1,French,Good morning\n2,,"Where, then?"\n3,,\n');
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion(id, output) });
  });

  test('is the same work only with the same template', async () => {
    await world.submit('-f', 'phrases.csv', '--prompt', template);
    const same = await world.run('-f', 'phrases.csv', '--prompt', template);
    expect(same.stdout).toContain('Nothing sent: the same work is pending');
    await world.submit('-f', 'phrases.csv', '--prompt', `${template}!`);
  });

  test('takes a template larger than the head of a record', async () => {
    const start = 'Be brief. '.repeat(20_000);
    await world.write('long.txt', start + template);
    const id = await world.submitAs('in_progress', '-f', 'phrases.csv', '--prompt', '@long.txt');
    expect((await world.loom('fetch')).stdout).toContain(`id=${id} status=in_progress`);
    expect((await world.loom('list')).stdout).toContain('in_progress');
    for (const batch of world.openai.batches) batch.status = 'completed';
    expect(await world.loom('fetch')).toMatchObject({ code: 0 });
    expect(sentPrompts()[0]).toBe(`${start}Translate into French: Good morning`);
    expect(await world.read(output)).toContain(`Good morning,French,${usualAnswer(start)}`);
  });

  test('is adopted with the same --prompt, and with another nothing is written', async () => {
    const id = await world.submit('-f', 'phrases.csv', '--prompt', template);
    const adopt = async (text: string) => {
      await rm(join(world.home, '.loom'), { recursive: true });
      const flags = ['-f', 'phrases.csv', '-p', 'openai', '-m', 'm', '--prompt', text];
      expect(await world.loom('adopt', '--id', id, ...flags)).toMatchObject({ code: 0 });
      return world.loom('fetch');
    };
    expect((await adopt(`${template}!`)).stderr).toContain(
      'Was it adopted with another input, column or --prompt?',
    );
    expect(await adopt(template)).toMatchObject({ code: 0 });
    expect(await world.read(output)).toBe(translated);
  });
});

test('a sync run without the cache goes on only from one with the same template', async () => {
  await world.write('data.csv', 'text\nHello\nWorld\n');
  world.openai.override = (request) => (request.body.includes('World') ? refusal(401, 'no') : undefined);
  const flags = ['--sync', '--no-cache', '--force', '-w', '1', '-f', 'data.csv'];
  expect(await world.run(...flags, '--prompt', 'A {{text}}')).toMatchObject({ code: 1 });
  world.openai.override = () => undefined;
  world.openai.requests.splice(0);
  await world.run(...flags, '--prompt', 'B {{text}}');
  expect(sentPrompts().sort()).toEqual(['B Hello', 'B World']);
  world.openai.requests.splice(0);
  await world.run(...flags, '--prompt', 'A {{text}}');
  expect(sentPrompts()).toEqual(['A World']);
});

test('loom tokens counts the prompts that a template makes', async () => {
  await world.write('phrases.csv', phrases);
  Object.assign(world.environment, {
    ANTHROPIC_API_KEY: 'a',
    ANTHROPIC_BASE_URL: new URL(world.openai.url).origin,
  });
  world.openai.override = ({ path, body }) =>
    path.endsWith('/count_tokens')
      ? { body: { input_tokens: JSON.parse(body).messages[0].content.length } }
      : undefined;
  const flags = ['-f', 'phrases.csv', '-p', 'anthropic', '-m', 'm', '--prompt', template];
  const length = 'Translate into French: Good morning'.length + 'Translate into : Where, then?'.length;
  expect(await world.loom('tokens', ...flags)).toMatchObject({
    code: 0,
    stdout: `Total input tokens: ${length} across 3 prompts (provider=anthropic, model=m, errors=0)\n`,
  });
});
