/** What the page of a report tells of the run: how it was asked, that it was a rehearsal, and how its labels are spread. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRows, readText } from '../worlds/report-reader.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);
const order = ['-p', 'openai', '-m', 'm'];
const asked = [
  ...['--prompt', 'Of {{text}}: <b>?</b>', '--system', 'Be brief & <i>kind</i>.', '--temperature', '0.2'],
  ...['--fields', 'tone: good|bad', '--stop', 'END'],
];

test.each(['--sync', '--no-cache'])('it tells how it was asked: %s', async (way) => {
  await world.write('data.csv', 'id,text,gold\n1,Hello,good\n2,World,bad\n3,Moon,good\n');
  await world.loom('run', 'data.csv', ...order, ...asked, way, '-o', 'out.csv');
  if (way !== '--sync') expect((await fetchUntilDone(world)).code).toBe(0);
  expect(await world.loom('report', 'out.csv', '-o', 'r.html')).toMatchObject({ code: 0, stderr: '' });
  const html = await world.read('r.html');
  const section = /<section aria-labelledby="asked">.*?<\/section>/s.exec(html)?.[0] ?? '';
  const told = (title: string) =>
    new RegExp(`<dt>${title}</dt><dd [^>]*>(.*?)</dd>`, 's').exec(section)?.[1]?.replaceAll('&quot;', '"');
  expect(told('Prompt')).toBe('Of {{text}}: &lt;b&gt;?&lt;/b&gt;');
  expect(told('System text')).toBe('Be brief &amp; &lt;i&gt;kind&lt;/i&gt;.');
  expect(told('Fields')).toBe('tone');
  expect(told('Temperature')).toBe('0.2');
  expect(told('Stop')).toBe('["END"]');
  expect(JSON.parse(told('Schema') ?? '')).toMatchObject({ properties: { tone: { enum: ['good', 'bad'] } } });
  expect(readText(section)).toContain('prompt, system text, fields, schema, temperature, stop');
  expect(readRows(html)[1]?.texts).toEqual({
    ...{ id: '2', text: 'World', gold: 'bad', Prompt: 'Of World: <b>?</b>' },
    ...{ Answer: '{"tone":"good"}', tone: 'good', Reason: null },
  });
  expect(readText(html)).toMatch(/Labels tone .* good : show these rows 3 100 % 0 2 4 /);
});

test('nothing is told of a run that was asked nothing more', async () => {
  await world.write('data.csv', 'text\nHello\n');
  await world.loom('run', 'data.csv', '-c', 'text', ...order, '--sync', '-o', 'out.csv');
  await world.loom('report', 'out.csv', '-o', 'r.html');
  expect(await world.read('r.html')).not.toContain('How it was asked');
});

test('the title of a rehearsal says so, also of one that was moved', async () => {
  await world.write('data.csv', 'text\nHello\n');
  await world.loom('run', 'data.csv', '-c', 'text', ...order, '--sync', '--sandbox');
  const output = 'data_results_openai_m_sandbox.csv';
  const title = `<title>${output} (rehearsal) – loom report</title>`;
  await world.loom('report', output, '-o', 'r.html');
  expect(await world.read('r.html')).toContain(title);
  await rename(join(world.folder, output), join(world.folder, `moved_${output}`));
  await world.loom('report', `moved_${output}`, '-c', 'text', '-o', 'r.html', '--force');
  expect(await world.read('r.html')).toContain(title.replace('data', 'moved_data'));
});
