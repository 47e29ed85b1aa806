/** Bundles the program into dist/: one small entry, a chunk per command and per SDK. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { joinDeclarations } from './declarations.mjs';
import { openProgram } from './flags.mjs';
import { writeManPages } from './man-pages.mjs';

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
  write: false,
};

/** Bundled CommonJS packages (commander) call require for node's own modules. */
const requireLine =
  "import { createRequire as loomCreateRequire } from 'node:module';const require = loomCreateRequire(import.meta.url);\n";

/** Builds modules, each with a require where something in it calls one. */
async function buildModules(options) {
  const { outputFiles, metafile } = await build({ ...shared, ...options });
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    const isProgram = text.startsWith('#!');
    const whole = /\brequire\b/.test(text) ? requireLine + text : text;
    await writeFile(path, whole, { mode: isProgram ? 0o755 : 0o644 });
  }
  return metafile;
}

await rm('dist', { recursive: true, force: true });
const metafile = await buildModules({
  entryPoints: {
    loom: 'src/cli/index.ts',
    index: 'src/index.ts',
    // Threads of their own, which are looked for beside the chunk that starts them.
    'chunks/cache-thread': 'src/cache/cache-thread.ts',
    'chunks/parquet-thread': 'src/formats/parquet/thread.ts',
  },
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'none',
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
});
await buildReportPage();
await writeDeclarations();
await writeConfigSchema();
await writeManPages(await openProgram(), 'dist/man');
await writeTexts();
const bundled = await listBundled(Object.keys(metafile.inputs));
await writeFile('dist/LICENSES.txt', await collectLicenses(bundled));
await writeFile(
  'dist/versions.txt',
  (await readFile('dist/version.txt', 'utf8')) + describeVersions(bundled),
);

/** The script and the style of a report's page, which the program puts into each. */
async function buildReportPage() {
  await build({
    entryPoints: {
      'report-page': 'src/cli/report/browser/page.ts',
      'report-page-style': 'src/cli/report/browser/page.css',
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
  await writeFile('dist/index.d.ts', joinDeclarations('dist/types/index.d.ts'));
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
  await buildModules({ entryPoints: ['src/cli/config-schema.ts'] });
  const { createConfigSchema } = await import(pathToFileURL('dist/config-schema.js').href);
  await writeFile('dist/loom.config.schema.json', `${JSON.stringify(createConfigSchema(), null, 2)}\n`);
  await rm('dist/config-schema.js');
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
