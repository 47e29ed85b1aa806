/** How what a program asks of a run becomes an order. */
import { resolve } from 'node:path';
import type { CodeWithFacts } from '../../core/error-facts.ts';
import { describeTold, LoomError, type Told } from '../../core/errors.ts';
import { isServerName } from '../../core/names.ts';
import type { PromptSource } from '../../formats/format.ts';
import { traitsOf } from '../../formats/format.ts';
import { parseTemplate } from '../../formats/template/prompt-template.ts';
import { findServer } from '../../orchestrator/calls/answer-server.ts';
import { addressOf } from '../../orchestrator/calls/same-reach.ts';
import {
  checkOutputName,
  checkPick,
  defaultOutputPath,
  describeDataset,
  requirePromptSource,
} from '../../orchestrator/dataset/dataset.ts';
import type { DatasetOrder } from '../../orchestrator/dataset/dataset-order.ts';
import { settleLayout } from '../../orchestrator/dataset/layout.ts';
import { columnsOf } from '../../orchestrator/output/columns.ts';
import { findForeignReasons } from '../../orchestrator/output/reasons-file.ts';
import { sweepInputs } from '../../orchestrator/sweep/sweep-inputs.ts';
import { attachmentRules } from '../../providers/attachments.ts';
import type { Connection } from '../../providers/connection.ts';
import { isOwnProvider, providerEntry } from '../../providers/registry.ts';
import { checkTier } from '../../providers/tiers.ts';
import { keepInput } from '../../state/inputs.ts';
import { isSameFile } from '../../storage/files.ts';
import { checkOutputPath, outputExists, type Placing } from '../../storage/output-file.ts';
import { exclude, requireWhole } from './checks.ts';
import { chooseColumns } from './column-choice.ts';
import { describeLayout } from './layout.ts';
import type { InputOptions, InputStream, OutputOptions, TierOptions } from './options.ts';
import { type Reach, type Reaching, withReach } from './reach.ts';

/** Does the work of a verb that has an input. */
export function withInput<Result>(
  options: InputOptions & Reaching,
  work: (dataset: DatasetOrder, reach: Reach, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  return withReach(options, (reach, signal) =>
    withDataset(options, reach, signal, (dataset) => work(dataset, reach, signal)),
  );
}

/** Does the work on the input. What a stream brought is on disk until then, and after it if a job needs it. */
async function withDataset<Result>(
  options: InputOptions,
  { home, workingFolder }: Reach,
  signal: AbortSignal,
  work: (dataset: DatasetOrder) => Promise<Result>,
): Promise<Result> {
  const { file } = options;
  if (typeof file === 'string') return work(await describeInput(options, resolve(workingFolder, file)));
  const [extension = ''] = traitsOf(file.format).extensions;
  const input = await keepInput(home, file.content, extension, signal);
  try {
    return await work(await describeInput(options, input.path));
  } catch (error) {
    throw callStream(error, input.path, file);
  } finally {
    await input.release();
    await sweepInputs(home);
  }
}

/** People know nothing of the file in which their input is kept. */
function callStream(error: unknown, path: string, { name = 'the stream' }: InputStream): unknown {
  if (!(error instanceof LoomError) || !`${error.message} ${error.hint}`.includes(path)) return error;
  const { kind, message, hint = '', code, facts = {} } = error;
  const call = (text: string) => text.replaceAll(path, name);
  const called = Object.entries(facts).map(([key, fact]) => [key, fact === path ? name : fact]);
  const told = { code, facts: Object.fromEntries(called), hint: call(hint), cause: error };
  return new LoomError(kind, call(message), told as CodeWithFacts);
}

/** LoomError `usage` or `input` for what can't be. */
async function describeInput(options: InputOptions, path: string): Promise<DatasetOrder> {
  const { limit, sample, sampleSeed, rowId, onRemark } = options;
  requireWhole({ limit, sample, sampleSeed });
  if (limit !== undefined && sample !== undefined) throw exclude('limit', 'sample');
  const pick =
    limit !== undefined ? { limit } : sample !== undefined ? { sample, seed: sampleSeed ?? 0 } : undefined;
  const dataset: DatasetOrder = {
    ...describeDataset(path, describeSource(options), describeAttach(options)),
    pick,
    rowId,
    ...(onRemark && { onRemark: (told: Told) => onRemark(describeTold(told), told) }),
  };
  const settled = { ...dataset, layout: await settleLayout(dataset, describeLayout(options)) };
  await requirePromptSource(settled);
  return settled;
}

/** LoomError `usage` for a template that is none. */
export function describeSource({
  col,
  prompt,
  messages,
  attach,
}: Pick<InputOptions, 'col' | 'prompt' | 'messages' | 'attach'>): PromptSource | undefined {
  if (messages !== undefined) {
    if (col !== undefined) throw exclude('messages', 'col');
    if (prompt !== undefined) throw exclude('messages', 'prompt');
    return { column: messages, holds: 'messages' };
  }
  if (prompt === undefined) return col === undefined ? undefined : { column: col };
  if (col !== undefined) throw exclude('prompt', 'col');
  // The same question about another file in each row.
  parseTemplate(prompt, { maySayNoName: attach !== undefined && attach.length > 0 });
  return { template: prompt };
}

function describeAttach({ attach = [] }: Pick<InputOptions, 'attach'>): readonly string[] | undefined {
  for (const text of attach) {
    if (text.includes('{{')) parseTemplate(text, { option: 'attach', maySayNoName: true });
    else if (text.trim() === '') throw new LoomError('usage', 'attach names no column.');
  }
  return attach.length > 0 ? attach : undefined;
}

/** What stands for an output that is handed over, in place of a path. */
const noPath = '-';

/** A run of a dataset: what is asked, and what becomes of the answers. */
export function describeRun(
  options: InputOptions &
    OutputOptions &
    TierOptions & { readonly deliver?: unknown; readonly baseUrl?: string | undefined },
  dataset: DatasetOrder,
  { home, workingFolder }: Reach,
  connection: Partial<Connection>,
) {
  const { provider, model, serverName, output, deliver, baseUrl, replaceColumns, tier } = options;
  const { settings, columns } = chooseColumns(options);
  if (tier !== undefined) checkTier(providerEntry(provider), tier, settings);
  if (serverName !== undefined && !isServerName(serverName)) {
    throw new LoomError('usage', `${JSON.stringify(serverName)} can't be the name of a server.`, {
      hint: 'It is made of letters, digits, ".", "_" and "-", at most 100, and not "sandbox".',
    });
  }
  const usual = () => defaultOutputPath(dataset, provider, model, home.isSandbox);
  const outputPath = deliver ? noPath : resolve(workingFolder, output ?? usual());
  if (output !== undefined && !deliver) checkOutputName(dataset, outputPath);
  checkPick(dataset, outputPath);
  const { title } = providerEntry(provider);
  const attachable = { title, rules: attachmentRules(provider, settings) };
  const reserved = replaceColumns ? undefined : columnsOf(columns).map(({ name }) => name);
  return {
    dataset: { ...dataset, reserved, attachable },
    provider,
    model,
    settings,
    tier,
    outputPath,
    columns,
    useCache: options.cache ?? true,
    // What a name of a person's own leads to may be another server by the time that a batch is fetched.
    baseUrl: baseUrl ?? (isOwnProvider(provider) && !home.isSandbox ? connection.baseUrl : undefined),
    headers: Object.keys(connection.headers ?? {}),
    address:
      serverName === undefined && !home.isSandbox ? addressOf(provider, connection.baseUrl) : undefined,
    server: findServer(home, provider, { ...connection, serverName }),
  };
}

/**
 * Whether a file that is in the way may go; undefined: nothing is to be written. A file that comes after this may go only
 * if somebody said so before; `checkFirst` is awaited before anybody is asked. LoomError `output` when nobody says so, or
 * nothing can be written there.
 */
export async function choosePlacing(
  path: string,
  overwrite: OutputOptions['overwrite'],
  checkFirst: () => Promise<void> = async () => {},
): Promise<Placing | undefined> {
  const exists = await checkOutputPath(path);
  if (overwrite === true) return 'replace';
  if (!exists) return 'new';
  await checkFirst();
  const answer = overwrite ? await overwrite(path) : 'nobody';
  if (answer === 'nobody') throw outputExists(path);
  return answer === 'yes' ? 'replace' : undefined;
}

/** The reasons of failed rows will have no place: a file that is the input, or not ours, is where they would go. */
export interface ForeignReasonsEvent {
  readonly type: 'foreign_reasons';
  readonly path: string;
  readonly isInput: boolean;
}

/** Tells it before anything is paid for. */
export async function tellForeignReasons(
  { dataset, outputPath, columns }: ReturnType<typeof describeRun>,
  onEvent: (event: ForeignReasonsEvent) => void,
): Promise<void> {
  const path = columns.groups.includes('error')
    ? undefined
    : await findForeignReasons(outputPath, dataset.path);
  if (path !== undefined) onEvent({ type: 'foreign_reasons', path, isInput: isSameFile(path, dataset.path) });
}
