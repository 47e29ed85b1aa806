/**
 * `npm run pictures`: the pictures of the front page, made of what the built program really prints and writes in a
 * rehearsal. The terminal is an SVG, which a test compares; the report is a picture of its page in a browser.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importSource } from './sources.mjs';

const loom = join(import.meta.dirname, '../dist/loom.js');
const pictures = join(import.meta.dirname, '../docs/pictures');

const reviews = `id;review;human
1;The soup was cold and nobody smiled.;bad
2;Wonderful room, and a breakfast to remember.;good
3;"Nice view; but far too loud.";mixed
`;
const output = 'reviews_results_openai_gpt-4o-mini_sandbox.csv';

/** What is typed, as a shell takes it; a line that ends with a backslash goes on. */
const typed = [
  'cat reviews.csv',
  `loom run reviews.csv --wait --provider openai --model gpt-4o-mini \\
    --prompt 'Good, bad or mixed? {{review}}' --fields 'mood: good|bad|mixed' --no-response --sandbox`,
  `cat ${output}`,
];

/** The terminal after the rehearsal, as an SVG. */
export async function drawTerminal() {
  const root = await mkdtemp(join(tmpdir(), 'loom-picture-'));
  try {
    const lines = [];
    for (const command of typed) {
      const printed = await rehearse(root, command);
      lines.push(
        ...command.split('\n').map((line, at) => ({ line: at === 0 ? `$ ${line}` : line, isTyped: true })),
      );
      lines.push(...wrap(withoutOwn(printed, root)).map((line) => ({ line, isTyped: false })));
    }
    return toSvg([...lines, { line: '$ ', isTyped: true }]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The page of `loom report` for a rehearsal of many rows, some of which fail, as a PNG. */
async function drawReport() {
  const root = await mkdtemp(join(tmpdir(), 'loom-picture-'));
  const { startBrowser } = await importSource('test/browser.ts');
  const started = await startBrowser();
  try {
    await rehearse(
      root,
      'loom run --sync --with-usage -f many.csv -c review -p openai -m gpt-4o-mini -o answers.csv --sandbox; loom report answers.csv',
      { 'many.csv': manyReviews() },
    );
    const html = await readFile(join(root, work, 'answers_report.html'), 'utf8');
    const page = await started.browser.newPage();
    await page.setViewport({ width: 1000, height: 860 });
    await page.setContent(withoutOwn(html, root));
    return await page.screenshot({ type: 'png', optimizeForSpeed: false });
  } finally {
    await started.close();
    await rm(root, { recursive: true, force: true });
  }
}

function manyReviews() {
  const places = ['hotel', 'harbour', 'soup', 'garden with the old trees', 'breakfast by the window', 'lift'];
  const words = ['cold', 'wonderful', 'far too loud', 'better than last year, and cheaper', 'closed'];
  const ends = {
    17: ' [[sandbox:refuse]]',
    53: ' [[sandbox:length]]',
    71: ' [[sandbox:blocked]]',
    98: ' [[sandbox:refuse]]',
  };
  const rows = Array.from({ length: 120 }, (_, at) => {
    const more = 'We would come again. '.repeat((at * 7) % 11);
    return `"The ${places[at % 6]} was ${words[at % 5]}, on day ${at + 1}. ${more}${ends[at] ?? ''}"`;
  });
  return ['review', ...rows, ''].join('\n');
}

const work = 'ada/loom-demo';

/** Runs a command in a shell, in a folder and a home that are new, with files in it. */
async function rehearse(root, command, files = { 'reviews.csv': reviews }) {
  const folder = join(root, work);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const script = `loom() { '${process.execPath}' '${loom}' "$@"; }\n{ ${command}\n} 2>&1`;
  const env = { PATH: process.env.PATH, HOME: join(root, 'ada'), USERPROFILE: join(root, 'ada') };
  const child = spawn('sh', ['-c', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return text;
}

/** Ids and paths are of this one run. */
function withoutOwn(text, root) {
  return text.replaceAll(root, '/home').replaceAll(/\bbatch_\w+/g, 'batch_1a2034c61a4000');
}

const width = 96;

function wrap(text) {
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? ['']);
}

function toSvg(lines) {
  const [letter, height, margin] = [7.8, 18, 16];
  const size = `${Math.round(width * letter) + 2 * margin} ${lines.length * height + 2 * margin}`;
  const [wide, high] = size.split(' ');
  const texts = lines.map(({ line, isTyped }, at) => {
    const kind = isTyped ? ' class="typed"' : '';
    return `  <text x="${margin}" y="${margin + (at + 0.75) * height}"${kind}>${escapeXml(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" width="${wide}" height="${high}" role="img" xml:space="preserve">
  <title>A rehearsal of loom run in a terminal</title>
  <style>
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d0d7de; white-space: pre; }
    .typed { fill: #7ee787; }
  </style>
  <rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${texts.join('\n')}
</svg>
`;
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

if (process.argv[1] === import.meta.filename) {
  await mkdir(pictures, { recursive: true });
  await writeFile(join(pictures, 'terminal.svg'), await drawTerminal());
  await writeFile(join(pictures, 'report.png'), await drawReport());
}
