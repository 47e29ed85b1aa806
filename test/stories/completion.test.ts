/** Completion: what each shell is proposed, by the script that `loom completion` prints, run in the shell itself. */
import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld, type SandboxWorld, submittedId } from './sandbox-world.ts';

const has = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
  await world.write('data.csv', 'id,my col,text,"a,b"\n1,x,Hello,c\n');
});

afterEach(() => world.remove());

/** What a shell is told when the last of these words is at the cursor. */
async function proposals(...words: string[]): Promise<string[]> {
  const ended = await world.loom('__complete', 'bash', ...words);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  return ended.stdout.trimEnd().split('\n');
}

/** Without descriptions. */
async function proposedValues(...words: string[]): Promise<string[]> {
  return (await proposals(...words)).slice(1).map((line) => line.replace(/\t.*/, ''));
}

describe('are proposed:', () => {
  test('commands, with what they do', async () => {
    expect(await proposals('fe')).toEqual([
      'words',
      'fetch\tCheck pending batches, and write the output of each that is complete.',
    ]);
    expect(await proposedValues('cache', 'cl')).toEqual(['clear']);
    expect(await proposedValues('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('flags, with what they do, but those that are there already', async () => {
    expect(await proposals('run', '--wo')).toEqual(['words', '--workers\tConcurrent calls (with --sync).']);
    expect(await proposedValues('run', '-w', '4', '--wo')).toEqual([]);
    expect(await proposedValues('run', '--stop', 'END', '--sto')).toEqual(['--stop']);
  });

  test('providers, formats and other choices, also behind =', async () => {
    expect(await proposedValues('run', '-p', 'op')).toEqual(['openai', 'openrouter']);
    expect(await proposedValues('run', '--format=t')).toEqual(['--format=tsv']);
    expect(await proposedValues('list', '--output-format', '')).toEqual(['text', 'json']);
  });

  test('batches and jobs with their state, newest first, and the models that they had', async () => {
    const submit = async (model: string, ...flags: string[]) =>
      submittedId(
        await world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', model, ...flags),
      );
    const older = await submit('older');
    const newer = await submit('newer');
    expect(await proposals('fetch', '--id', '')).toEqual([
      'words',
      `${newer}\topenai newer validating`,
      `${older}\topenai older validating`,
    ]);
    expect(await proposedValues('run', '-p', 'openai', '-m', '')).toEqual(['newer', 'older']);
    expect(await proposedValues('run', '-p', 'google', '-m', '')).toEqual([]);
    expect(await proposedValues('fetch', '--sandbox', '--id', '')).toEqual([]);
    expect(await world.countCalls('openai')).toEqual({ uploadFile: 2, createBatch: 2 });
  });

  test.each<[string, string | Buffer, string[]]>([
    ['a.csv', 'id,my col\n1,2\n', ['id', 'my col']],
    ['a.csv.gz', gzipSync('id,my col\n1,2\n'), ['id', 'my col']],
    ['a.tsv', 'id\t"my ""col"""\n', ['id', 'my "col"']],
    ['a.json', '[{"id": 1, "other": {"a": 2}}, {"more": 1}]', ['id', 'other']],
    ['a.jsonl', '{"id": 1, "other": 2}\n{"more": 1}\n', ['id', 'other']],
    ['a.jsonl.gz', gzipSync('{"id": 1, "other": 2}'), ['id', 'other']],
    ['a.csv', '', []],
    ['a.json', 'no json', []],
  ])('the columns of %s', async (name, content, columns) => {
    await world.write(name, content);
    expect(await proposedValues('run', '--file', name, '--col', '')).toEqual(columns);
  });

  test('no columns without a file, and nothing for what is unknown', async () => {
    expect(await proposedValues('run', '-c', '')).toEqual([]);
    expect(await proposedValues('run', '-f', 'gone.csv', '-c', '')).toEqual([]);
    expect(await proposedValues('run', '--nonsense', 'x', '--system', '')).toEqual([]);
  });

  test('files of the right kind', async () => {
    expect(await proposals('run', '-f', '')).toEqual([
      'files json json.gz jsonl jsonl.gz ndjson ndjson.gz csv csv.gz tsv tsv.gz parquet',
    ]);
    expect(await proposals('run', '--schema', '')).toEqual(['files json']);
    expect(await proposals('report', '')).toEqual(['files']);
    expect(await proposals('run', '--cache-dir', '')).toEqual(['folders']);
  });

  test('a damaged file of defaults changes nothing', async () => {
    await world.write('loom.config.json', '{');
    expect(await proposedValues('fet')).toEqual(['fetch']);
  });
});

test.skipIf(!has('bash'))('bash quotes what it inserts, and takes words apart at = and :', async () => {
  await world.write('my data.csv', 'id\n1\n');
  await world.write('notes.txt', '');
  submittedId(await world.loom('run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'gemma3:4b'));
  await world.write(
    'try.sh',
    `. ./loom.bash
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _loom_complete; (IFS='|'; echo "\${COMPREPLY[*]}"); }
try loom fe
try loom-batch fe
try loom run -p op
try loom run --provider = op
try loom run --provider =
try loom run -f data.csv -c ''
try loom run -f data.csv -c '"my'
try loom run -f data.csv --col = my
try loom run -f 'my\\ d'
try loom run -f ''
try loom run -m gemma3 : 4
complete -p loom loom-batch
`,
  );
  const ended = await world.shell('loom completion bash > loom.bash && bash --norc try.sh');
  const lines = ended.stdout.trimEnd().split('\n');
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  // The order of files is that of the folder.
  const files = lines[9]?.split('|').sort();
  expect([...lines.slice(0, 9), files, ...lines.slice(10)]).toEqual([
    'fetch',
    'fetch',
    'openai|openrouter',
    'openai|openrouter',
    'openai|anthropic|google|openrouter|alibaba',
    'id|my\\ col|text|a\\,b',
    'my col',
    'my\\ col',
    'my data.csv',
    ['data.csv', 'my data.csv'],
    '4b',
    'complete -F _loom_complete loom',
    'complete -F _loom_complete loom-batch',
  ]);
});

test.skipIf(!has('zsh'))('zsh is given the values, their descriptions and kinds of files', async () => {
  await world.write(
    'try.zsh',
    `compdef() { }
. ./_loom
compadd() { print -rC1 -- "\${(P)@[-1]}" "\${(@P)3}" }
_files() { print -r -- _files "$@" }
compset() { print -r -- compset "$@" }
try() { words=("$@"); CURRENT=$#; _loom }
try loom fe
try loom run -f data.csv -c 'my\\ '
try loom run -f data.csv --col=my
try loom run --schema ''
try loom run --cache-dir ''
`,
  );
  const ended = await world.shell('loom completion zsh > _loom && zsh -f try.zsh');
  expect(ended).toEqual({
    code: 0,
    stderr: '',
    stdout: [
      'fetch',
      'fetch  Check pending batches, and write the output of each that is complete.',
      'my col',
      'my col',
      'compset -P *=',
      'my col',
      'my col',
      '_files -g *.(json)(-.)',
      '_files -/',
      '',
    ].join('\n'),
  });
});

test.skipIf(!has('fish'))('fish completes commands, values and files', async () => {
  await world.write('notes.txt', '');
  const ended = await world.shell(
    `loom completion fish > loom.fish && for line in 'loom fe' 'loom-batch fe' 'loom run -f data.csv --col ' 'loom run -p op' 'loom run -f ' 'loom run --file=da'; do fish --no-config -c "source loom.fish; complete -C '$line'; echo ."; done`,
  );
  expect(ended.stderr).toBe('');
  expect(ended.stdout.split('\n')).toEqual([
    'fetch\tCheck pending batches, and write the output of each that is complete.',
    '.',
    'fetch\tCheck pending batches, and write the output of each that is complete.',
    '.',
    ...['id', 'my col', 'text', 'a,b', '.'],
    ...['openai', 'openrouter', '.'],
    ...['data.csv', '.'],
    ...['--file=data.csv', '.'],
    '',
  ]);
});
