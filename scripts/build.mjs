/** Bundles the program into dist/: one small entry, a chunk per command, the SDKs left to node_modules. */
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { openProgram } from './flags.mjs';
import { writeManPages } from './man-pages.mjs';

const { dependencies } = JSON.parse(await readFile('package.json', 'utf8'));
/** zod is installed for the types of the library; the program starts faster with its own copy. */
const leftOut = Object.keys(dependencies).filter((name) => name !== 'zod');

/** commander can run commands as processes, which takes a tenth of the start-up to load; ours has no such commands. */
const withoutChildProcesses = {
  name: 'without-child-processes',
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /node_modules[\\/]commander[\\/]/.test(importer) ? { path: 'none', namespace: 'none' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** What every bundle of ours has. */
const shared = {
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: leftOut,
  plugins: [withoutChildProcesses],
  // Bundled CommonJS packages (commander) call require for node's own modules.
  banner: {
    js: "import { createRequire as loomCreateRequire } from 'node:module';const require = loomCreateRequire(import.meta.url);",
  },
};

await rm('dist', { recursive: true, force: true });
const { metafile } = await build({
  ...shared,
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
await writeFile('dist/LICENSES.txt', await collectLicenses(Object.keys(metafile.inputs)));

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

/** The types of the library. */
async function writeDeclarations() {
  const compiler = 'node_modules/typescript/bin/tsc';
  await promisify(execFile)(process.execPath, [compiler, '-p', 'tsconfig.types.json']).catch(({ stdout }) => {
    throw new Error(`The types of the library could not be written.\n${stdout}`);
  });
}

/** What editors know of loom.config.json, told by the flags themselves. */
async function writeConfigSchema() {
  await build({ ...shared, entryPoints: ['src/cli/config-schema.ts'] });
  const { createConfigSchema } = await import(pathToFileURL('dist/config-schema.js').href);
  await writeFile('dist/loom.config.schema.json', `${JSON.stringify(createConfigSchema(), null, 2)}\n`);
  await rm('dist/config-schema.js');
}

/** The licences of the packages that are bundled into the program. */
async function collectLicenses(inputs) {
  const folders = new Set(inputs.flatMap((path) => path.match(/^node_modules\/(@[^/]+\/)?[^/]+/)?.[0] ?? []));
  const texts = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
    const text = await readLicense(folder);
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join('\n---\n\n');
}

async function readLicense(folder) {
  const name = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file));
  if (!name) throw new Error(`${folder} has no licence file.`);
  return readFile(`${folder}/${name}`, 'utf8');
}
