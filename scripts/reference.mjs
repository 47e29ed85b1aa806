/**
 * `npm run reference`: writes the flags of every command into docs/reference/commands/, and the codes of errors into
 * docs/reference/errors.md, between the marks that each page has for them. What stands outside of them is written by hand.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeCommands, openProgram } from './flags.mjs';

const folder = join(import.meta.dirname, '../docs/reference/commands');
const marks = /(<!-- (\w+): by npm run reference -->\n)[\s\S]*?(<!-- end of \2 -->)/;

/** Pages of the guide that tell more of a flag. */
const seeAlso = {
  '--file': [
    ['Preparing the data', 'guide/inputs.md'],
    ['Pipes', 'guide/pipes.md'],
  ],
  '--format': [['Pipes', 'guide/pipes.md']],
  '--prompt': [['Prompts from several columns', 'guide/prompts.md#prompts-from-several-columns']],
  '--fields': [['Fields in columns of their own', 'guide/outputs.md#fields-in-columns-of-their-own']],
  '--columns': [['Fields in columns of their own', 'guide/outputs.md#fields-in-columns-of-their-own']],
  '--limit': [['Try a few rows first', 'guide/prompts.md#try-a-few-rows-first']],
  '--sample': [['Try a few rows first', 'guide/prompts.md#try-a-few-rows-first']],
  '--output': [['What comes out', 'guide/outputs.md']],
  '--sync': [['Batch or sync?', 'guide/batches.md#batch-or-sync']],
  '--wait': [['Wait for a batch', 'guide/batches.md#wait-for-a-batch']],
  '--again': [['What happens when …', 'operations.md']],
  '--cache-dir': [['Caching', 'guide/caching.md']],
  '--no-cache': [['Caching', 'guide/caching.md']],
  '--server-name': [['Caching', 'guide/caching.md']],
  '--dry-run': [['What it costs', 'guide/costs.md']],
  '--max-cost': [['What it costs', 'guide/costs.md']],
  '--with-usage': [['What it costs', 'guide/costs.md']],
  '--tier': [['Tiers of live calls', 'guide/costs.md#tiers-of-live-calls']],
  '--estimate': [['Token counter', 'guide/costs.md#token-counter']],
  '--schema': [['Generation settings', 'reference/settings.md']],
  '--param': [['Generation settings', 'reference/settings.md']],
  '--api': [['The Responses API', 'reference/settings.md#the-responses-api']],
  '--api-key': [['Storing API keys', 'guide/keys.md']],
  '--base-url': [['Addresses and proxies', 'guide/addresses.md']],
  '--header': [['Headers', 'guide/addresses.md#headers']],
  '--sandbox': [['The sandbox', 'guide/sandbox.md']],
  '--faults': [['The sandbox', 'guide/sandbox.md']],
  '--output-format': [['JSON documents', 'reference/json-documents.md']],
  '--verbose': [['Quiet and loud', 'guide/terminal.md#quiet-and-loud']],
  '--config': [['Defaults for flags', 'guide/defaults.md']],
};

/** The pages as they should be: their names and texts. */
export async function renderReference(program) {
  const commands = describeCommands(program);
  const pages = commands.map(async (command) => {
    const name = `${command.name.replace(/^loom /, '').replaceAll(' ', '-')}.md`;
    return [name, fill(await readFile(join(folder, name), 'utf8'), renderCommand(command), name)];
  });
  const index = await readFile(join(folder, 'README.md'), 'utf8');
  const errors = await readFile(join(folder, '../errors.md'), 'utf8');
  return [
    ['README.md', fill(index, renderIndex(commands), 'README.md')],
    ['../errors.md', fill(errors, await renderErrors(), 'errors.md')],
    ...(await Promise.all(pages)),
  ];
}

function fill(page, text, name) {
  if (!marks.test(page)) throw new Error(`${name} has no marks.`);
  return page.replace(marks, (_, start, _name, end) => `${start}\n${text}\n\n${end}`);
}

function renderIndex(commands) {
  const rows = commands.map(({ name, description }) => {
    const page = `${name.replace(/^loom /, '').replaceAll(' ', '-')}.md`;
    return `| [\`${name}\`](${page}) | ${asText(description)} |`;
  });
  return ['| Command | What it does |', '| --- | --- |', ...rows].join('\n');
}

/** From the comments in the source. */
async function renderErrors() {
  const source = await readFile(join(import.meta.dirname, '../src/core/error-facts.ts'), 'utf8');
  const [, list] = /interface ErrorFacts \{\n([\s\S]*?)\n\}/.exec(source);
  const entries = [...list.matchAll(/\/\*\*\s([\s\S]*?)\s\*\/\s*(\w+):([\s\S]*?);(?=\n\n|\n {2}\/|$)/g)];
  const rows = entries.map(([, text, code, facts]) => {
    const names = [...facts.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => `\`${name}\``);
    return `| \`${code}\` | ${names.join(', ')} | ${asCell(text.replace(/\s*(?:\n\s*)?\*\s/g, ' ').trim())} |`;
  });
  return ['| Code | Facts | What happened |', '| --- | --- | --- |', ...rows].join('\n');
}

function renderCommand({ usage, words, groups, examples }) {
  return [
    `\`\`\`text\n${usage}\n\`\`\``,
    words
      .map(({ name, text, choices }) => `- \`${name}\`: ${asText(text)}${nameChoices(choices)}`)
      .join('\n'),
    ...groups.map(({ title, flags }) => {
      const rows = flags.map(renderFlag);
      const heading = groups.length === 1 ? 'Flags' : title;
      return [`## ${heading}\n`, '| Flag | Default | Description |', '| --- | --- | --- |', ...rows].join(
        '\n',
      );
    }),
    `## Examples\n\n\`\`\`bash\n${examples.join('\n')}\n\`\`\``,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function renderFlag({ long, short, value, text, isRequired, fallback, choices }) {
  const names = [`\`${long}${value === '' ? '' : ` ${value}`}\``, ...(short ? [`\`${short}\``] : [])];
  const links = (seeAlso[long] ?? []).map(([title, page]) => `[${title}](../../${page})`);
  const see = links.length === 0 ? '' : ` See ${links.join(' and ')}.`;
  const shown = isRequired ? '_required_' : asText(fallback) || '—';
  return `| ${names.join(', ')} | ${asCell(shown)} | ${asCell(`${asText(text)}${nameChoices(choices)}${see}`)} |`;
}

function nameChoices(choices) {
  return choices.length === 0 ? '' : ` One of ${choices.map((choice) => `\`${choice}\``).join(', ')}.`;
}

/** Flags, names and placeholders as code, without which Markdown takes some of them for its own. */
function asText(text) {
  return text.replaceAll(
    /"Translate \{\{text\}\}"|~\/[\w./-]*\w\/?|(?<![\w.])--?[a-z][\w-]*|@?<[a-z]+>[\w.<>]*|@path|llm_\w+|\.(?:jsonl?|csv|tsv|gz|parquet|env)\b|\bLOOM_\w+|\b\w+\.(?:config\.)?json\b|\b127\.0\.0\.1\b/g,
    (word) => `\`${word}\``,
  );
}

function asCell(text) {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, text] of await renderReference(await openProgram())) {
    await writeFile(join(folder, name), text);
  }
}
