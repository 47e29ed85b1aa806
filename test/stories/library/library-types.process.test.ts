/** The types of the packed library, as the compilers of other programs see them. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const project = resolve(import.meta.dirname, '../../..');
const execute = promisify(execFile);
/** An older compiler, beside whatever else the machine does. */
const patience = 5 * 60_000;
let folder: string;

/** A program that uses values and types of many kinds. */
const program = `
import {
  fetchBatches, type FetchBatchesEvent, LoomError, listBatches, ProviderError, type RunDocument, runDocumentSchema, runSync, submitBatch,
} from 'loom-batch';

async function* readInput(): AsyncGenerator<Uint8Array> {}
const controller = new AbortController();
const summary = await runSync({
  file: { content: readInput(), format: 'csv' },
  provider: 'anthropic', model: 'm', col: 'text', settings: { max_tokens: 5, stop: ['x'] },
  signal: controller.signal, environment: { ANTHROPIC_API_KEY: 'k' },
  onEvent: (event) => { if (event.type === 'progress') event.done.toFixed(); },
});
export const answered: number = summary.answered;
const submitted = await submitBatch({ file: 'data.json', provider: 'openai', model: 'm' });
if (submitted.kind === 'submitted') submitted.id.trim();
const listen = (event: FetchBatchesEvent) => event.type.trim();
const { merged } = await fetchBatches({ wait: { intervalMs: 10 }, onEvent: listen }).catch((error: unknown) => {
  if (error instanceof LoomError && error.code === 'output_exists') throw new Error(error.hint);
  if (error instanceof ProviderError) error.status?.toFixed();
  throw error;
});
export const paths = merged.map(({ outputPath }) => outputPath);
const { batches: [first] } = await listBatches({ status: ['pending'] });
export const at: string | undefined = first?.createdAt;
const document: RunDocument = runDocumentSchema.parse({});
export const cost: number | null | undefined = document.output?.usage?.cost_usd;
// @ts-expect-error
runSync({ file: 'data.csv', provider: 7, model: 'm' });
// @ts-expect-error
document.output.rows;
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loom-types-'));
  const { stdout } = await execute(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
    {
      cwd: project,
      shell: process.platform === 'win32',
    },
  );
  const packed = join(folder, 'node_modules', 'loom-batch');
  await mkdir(packed, { recursive: true });
  await execute('tar', ['-xzf', join(folder, stdout.trim()), '--strip-components', '1', '-C', packed]);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'program.ts'), program);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a compiler says of a file; empty when it finds nothing wrong. */
async function compile(compiler: string, file: string, options: object): Promise<string> {
  const config = join(folder, `${Math.random().toString(36).slice(2)}.json`);
  const compilerOptions = { strict: true, target: 'es2022', noEmit: true, ...options };
  await writeFile(config, JSON.stringify({ compilerOptions, files: [file] }));
  const args = [join(project, 'node_modules', compiler, 'bin', 'tsc'), '-p', config];
  return execute(process.execPath, args).then(
    () => '',
    ({ stdout }) => stdout,
  );
}

const nodenext = { module: 'nodenext', moduleResolution: 'nodenext' };
const bundler = { module: 'esnext', moduleResolution: 'bundler' };
const withNode = { types: ['node'], typeRoots: [join(project, 'node_modules/@types')] };

describe('a program that uses the library is compiled', () => {
  test.each([
    ['as a module of Node.js', 'typescript', nodenext, { types: [] }],
    ['as a module of Node.js, with the types of Node.js', 'typescript', nodenext, withNode],
    ['for a bundler', 'typescript', bundler, { types: [] }],
    ['for a bundler, with the types of Node.js', 'typescript', bundler, withNode],
    // It takes its time: the two that differ most.
    ['as a module of Node.js by TypeScript 5', 'typescript-5', nodenext, { types: [] }],
    ['for a bundler, with the types of Node.js, by TypeScript 5', 'typescript-5', bundler, withNode],
  ])(
    '%s',
    async (_, compiler, modules, types) => {
      const strictest = {
        skipLibCheck: false,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
      };
      expect(await compile(compiler, 'program.ts', { ...modules, ...types, ...strictest })).toBe('');
    },
    patience,
  );
});

test('the types that are written out say the same as those they are inferred from', async () => {
  const documents = ['Run', 'Fetch', 'Adopt', 'List', 'Status', 'Cancel', 'Forget', 'Tokens', 'Report']
    .concat(['CacheStats', 'CacheClear'])
    .map((name) => `${name}Document`);
  const names = [...documents, 'BatchRecord', 'FetchEvent', 'RunEvent', 'HistoryEntry', 'JobReport'];
  const compared = [...names.map((name) => `['${name}', built.${name}, source.${name}]`)].concat(
    ['runSync', 'submitBatch', 'fetchBatches', 'reportOutput'].map(
      (name) => `['${name}', ReturnType<typeof built.${name}>, ReturnType<typeof source.${name}>]`,
    ),
  );
  await writeFile(
    join(folder, 'same.ts'),
    `import type * as built from 'loom-batch';
import type * as source from '${join(project, 'src/index.ts').replaceAll('\\', '/')}';
type Different<Pairs> = Pairs extends [infer Name, infer A, infer B]
  ? [A] extends [B] ? ([B] extends [A] ? never : Name) : Name : never;
export const different: Different<${compared.join(' | ')}> = '' as never;
// @ts-expect-error
export const seen: Different<['other', built.RunDocument, source.FetchDocument]> = 'none';
`,
  );
  const options = {
    ...nodenext,
    ...withNode,
    lib: ['es2023'],
    skipLibCheck: true,
    allowImportingTsExtensions: true,
  };
  expect(await compile('typescript', 'same.ts', { ...options, exactOptionalPropertyTypes: true })).toBe('');
});

test('a schema of the library parses, and says what is wrong', async () => {
  const code = `import { errorDocumentSchema } from 'loom-batch';
const { success, error } = errorDocumentSchema.safeParse({});
console.log(success, error instanceof Error, errorDocumentSchema.parse({ command: null, exit_code: 2, error: null }).exit_code);`;
  await writeFile(join(folder, 'schema.mjs'), code);
  const { stdout } = await execute(process.execPath, [join(folder, 'schema.mjs')]);
  expect(stdout).toBe('false true 2\n');
});
