/** Completion by the scripts that `loom completion` prints, each run in its own shell. */
import { spawnSync } from 'node:child_process';
import { beforeEach, expect, test } from 'vitest';
import { builtInNames } from '../../../src/providers/registry.ts';
import { createSandboxWorld, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const has = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  await world.write('data.csv', 'id,my col,text,"a,b"\n1,x,Hello,c\n');
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
    builtInNames.join('|'),
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
