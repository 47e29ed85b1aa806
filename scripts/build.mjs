/** Bundles the program into dist/: one small entry, a chunk per command and per SDK; and the entry of the library. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { build, transform } from 'esbuild';
import { joinDeclarations } from './declarations.mjs';
import { openProgram } from './flags.mjs';
import { writeManPages } from './man-pages.mjs';
import { bundlePriceLists } from './price-lists.mjs';
import { importSource } from './sources.mjs';

/**
 * What packages bring along and the program never calls. It costs time at each start, or takes room; a call all the same
 * fails, by its name.
 */
const unused = [
  // commander can run commands as processes, which takes a tenth of the start-up to load; ours has no such commands.
  { module: 'node:child_process', by: 'commander', exports: [] },
  // The Gemini SDK signs in to Google Cloud with these, where no key is; loom asks with a key only.
  { module: 'google-auth-library', by: '@google/genai', exports: ['GoogleAuth'] },
  // The Anthropic SDK checks the signatures of webhooks with it; nobody calls loom.
  { module: 'standardwebhooks', by: '@anthropic-ai/sdk', exports: ['Webhook'] },
  // Its live sessions, over a WebSocket; loom asks over HTTP only.
  { module: 'ws', by: '@google/genai', exports: ['WebSocket'] },
];

const withoutUnused = {
  name: 'without-unused',
  setup(build) {
    for (const { module, by, exports } of unused) {
      const filter = new RegExp(`^${module}$`);
      build.onResolve({ filter }, ({ importer }) =>
        packageFolderOf(importer)?.endsWith(`/${by}`)
          ? { path: module, namespace: 'unused', pluginData: exports, sideEffects: false }
          : undefined,
      );
    }
    build.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path, pluginData: exports }) => ({
      contents: exports.map((name) => refusalOf(path, name)).join('\n') || 'module.exports = {};',
    }));
  },
};

function refusalOf(module, name) {
  return `export function ${name}() { throw new Error('loom-batch is built without ${module}.'); }`;
}

/** What every bundle of ours has. */
const shared = {
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  plugins: [withoutUnused],
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  define: { 'import.meta.url': 'ownAddress' },
  write: false,
};

const ownAddress = "const ownAddress=require('node:url').pathToFileURL(__filename).href;";

/**
 * Builds CommonJS modules. Node.js starts them in a third of the time that its loader of ES modules takes, which is most of
 * the time of a short command. esbuild splits code only between ES modules: each becomes a CommonJS one after that.
 */
async function buildModules(options) {
  const { outputFiles, metafile } = await build({ ...shared, ...options });
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    const [, start = '', code] = /^(#![^\n]*\n)?(.*)$/s.exec(text);
    await writeFile(path, start + (await toCommonJs(code)), { mode: start ? 0o755 : 0o644 });
  }
  return metafile;
}

async function toCommonJs(text) {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifyWhitespace: true,
    minifySyntax: true,
    // By require as well.
    supported: { 'dynamic-import': false },
  });
  const whole = loadAtFirstUse(code);
  return whole.includes('ownAddress') ? ownAddress + whole : whole;
}

/**
 * Node's own modules are loaded at their first use: some, such as node:crypto and node:https, take longer than all that a
 * short command does. Chunks are not: another version may be installed while a long run is under way.
 */
function loadAtFirstUse(code) {
  const loads = new Map();
  const declared = code.replace(
    /\b(import_node_\w+)=((?:__toESM\()?require\("node:[^"]+"\)(?:(?:,1)?\))?)/g,
    (_, name, load) => {
      loads.set(name, load);
      return name;
    },
  );
  return declared.replace(/\b(import_node_\w+)\./g, (use, name) =>
    loads.has(name) ? `(${name}??=${loads.get(name)}).` : use,
  );
}

await rm('dist', { recursive: true, force: true });
const priceLists = await bundlePriceLists();
const metafile = await buildModules({
  entryPoints: {
    loom: 'src/cli/index.ts',
    'chunks/library': 'src/index.ts',
    // Threads of their own, which are looked for beside the chunk that starts them.
    'chunks/cache-thread': 'src/cache/cache-thread.ts',
    'chunks/parquet-thread': 'src/formats/parquet/thread.ts',
  },
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [withoutUnused, priceLists],
  metafile: true,
});
// The package is one of ES modules.
await writeFile('dist/package.json', '{ "type": "commonjs" }\n');
await writeLibrary();
await buildPages();
await writeDeclarations();
await writeConfigSchema();
await writeManPages(await openProgram(), 'dist/man');
await writeTexts();
// What is read from a package is in the bundle as well.
const bundled = await listBundled([...Object.keys(metafile.inputs), 'node_modules/@pydantic/genai-prices/']);
await writeFile('dist/LICENSES.txt', await collectLicenses(bundled));
await writeFile(
  'dist/versions.txt',
  (await readFile('dist/version.txt', 'utf8')) + describeVersions(bundled),
);

/** The entry of the library: an ES module, so that it exports nothing but what is named in it. */
async function writeLibrary() {
  const output = Object.entries(metafile.outputs).find(([path]) => path.endsWith('chunks/library.js'));
  await writeFile(
    'dist/index.mjs',
    `export { ${output[1].exports.join(', ')} } from './chunks/library.js';\n`,
  );
}

/** The script and the style of the pages of a report and of a comparison, which the program puts into each. */
async function buildPages() {
  await build({
    entryPoints: {
      'report-page': 'src/cli/report/browser/page.ts',
      'report-page-style': 'src/cli/report/browser/page.css',
      'compare-page': 'src/cli/compare/browser/page.ts',
      'compare-page-style': 'src/cli/compare/browser/page.css',
    },
    outdir: 'dist/chunks',
    bundle: true,
    format: 'iife',
    target: ['chrome109', 'firefox115', 'safari16'],
    // Both stand in HTML: with escapes, no character of theirs is another in some encoding.
    charset: 'ascii',
    minify: true,
  });
}

/** The types of the library: as the compiler emits them, file by file, and then those that are exported in one. */
async function writeDeclarations() {
  const compiler = 'node_modules/typescript/bin/tsc';
  await promisify(execFile)(process.execPath, [compiler, '-p', 'tsconfig.types.json']).catch(({ stdout }) => {
    throw new Error(`The types of the library could not be written.\n${stdout}`);
  });
  await writeFile('dist/index.d.mts', joinDeclarations('dist/types/index.d.ts'));
  await rm('dist/types', { recursive: true });
}

/** What the program tells of itself where there is no terminal, in its own words: it need not be loaded for that. */
async function writeTexts() {
  for (const name of ['version', 'help']) {
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/loom.js', `--${name}`]);
    await writeFile(`dist/${name}.txt`, stdout);
  }
}

/** What editors know of loom.config.json, told by the flags themselves. */
async function writeConfigSchema() {
  const { createConfigSchema } = await importSource('src/cli/config-schema.ts');
  await writeFile('dist/loom.config.schema.json', `${JSON.stringify(createConfigSchema(), null, 2)}\n`);
}

/** The packages that are bundled into the program. */
async function listBundled(inputs) {
  const folders = new Set(inputs.flatMap((path) => packageFolderOf(path) ?? []));
  const texts = [...folders]
    .sort()
    .map(async (folder) => ({ folder, ...JSON.parse(await readFile(`${folder}/package.json`, 'utf8')) }));
  return Promise.all(texts);
}

function describeVersions(bundled) {
  return bundled.map(({ name, version }) => `${name} ${version}\n`).join('');
}

async function collectLicenses(bundled) {
  const texts = [];
  for (const { folder, name, version, license } of bundled) {
    const text = await readLicense(folder);
    texts.push(`${name} ${version} (${license})\n\n${text}\n`);
  }
  return texts.join('\n---\n\n');
}

/** The folder of the package that a file belongs to, also of one within another's. */
function packageFolderOf(path) {
  return path.replaceAll('\\', '/').match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0];
}

async function readLicense(folder) {
  const names = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  if (names.length === 0) throw new Error(`${folder} has no licence file.`);
  const texts = names.sort().map((name) => readFile(`${folder}/${name}`, 'utf8'));
  return (await Promise.all(texts)).map((text) => text.trim()).join('\n\n');
}
