/** `previewPrompts` of the library. */
import { loadSchemaRefusal } from '../../cache/schema-refusals.ts';
import type { Row } from '../../core/models.ts';
import { contentOf, digestContent, fillRequest, type PromptRequest } from '../../core/request/content.ts';
import type { GivenHeaders } from '../../core/request/headers.ts';
import { tellSchema } from '../../orchestrator/answers/told-schema.ts';
import { createCustomId } from '../../orchestrator/dataset/custom-ids.ts';
import { drawRows, requirePrompts } from '../../orchestrator/dataset/dataset.ts';
import { readFirstRows } from '../../orchestrator/estimate/preview-rows.ts';
import type { Connection, WireRequest } from '../../providers/connection.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { requireBatchApi } from '../../providers/registry.ts';
import { checkSettings } from '../../providers/settings.ts';
import { sayTier } from '../../providers/tiers.ts';
import { findApiKey, resolveBaseUrl } from '../../state/keys/keys.ts';
import { refuseTier, requireWhole } from '../options/checks.ts';
import type { InputOptions, OutputOptions, ReachOptions, TierOptions } from '../options/options.ts';
import { findProvider } from '../options/reach.ts';
import { describeRun, withInput } from '../options/run-order.ts';

export interface PreviewPromptsOptions extends InputOptions, OutputOptions, ReachOptions, TierOptions {
  /** So many rows, from the first of those that are picked. Default 3. */
  readonly rows?: number | undefined;
  /** Whether it would be a live run. Default: batches. */
  readonly live?: boolean | undefined;
}

export interface PreviewedPrompt {
  /** Its number in the input, from 1. */
  readonly row: number;
  readonly id: string | undefined;
  /** null for a row that is never sent. */
  readonly prompt: string | null;
}

/** What goes to the provider for one row: a call of its own, or a line among others in the file of a batch. */
export type RequestPreview =
  | ({ readonly kind: 'call' } & WireRequest)
  | { readonly kind: 'line'; readonly body: string };

export interface PromptsPreview {
  readonly prompts: readonly PreviewedPrompt[];
  /** Of the first row with a prompt; the key in it is `[key]`. */
  readonly request: RequestPreview | undefined;
}

/** In place of the key. */
const shownKey = '[key]';
/** In place of the value of a header that was given. */
const shownValue = '[value]';

/**
 * The prompts of the first rows as they would be sent, and the request of the first of them, as `loom run --preview`
 * shows them. Reads no more of the input than that takes, sends and writes nothing, and needs no key.
 */
export async function previewPrompts(options: PreviewPromptsOptions): Promise<PromptsPreview> {
  const { rows: count = 3, live = false } = options;
  requireWhole({ rows: count });
  if (!live) refuseTier(options);
  const entry = findProvider(options.provider, options);
  return withInput({ ...options, cache: false }, async (dataset, reach, signal) => {
    const { home, variables, headersFor } = reach;
    const baseUrl = resolveBaseUrl(entry, options.baseUrl, undefined, variables);
    // An SDK may say a key in another way by its looks.
    const apiKey = findApiKey(entry, options.apiKey, variables) ?? shownKey;
    const headers = headersFor(entry.name);
    const order = describeRun(options, dataset, reach, { baseUrl, apiKey, headers });
    checkSettings(entry, order.settings);
    const drawn = await drawRows(order.dataset, signal);
    const rows = await readFirstRows(drawn, count, signal);
    if (rows.length === 0) requirePrompts(drawn, 0);
    const asked = rows.find(({ prompt }) => prompt !== null);
    // A batch is told in words what was refused before; a live run asks once more.
    const isRefused = !live && (await loadSchemaRefusal(home, order)) !== undefined;
    const told = isRefused && order.settings ? tellSchema(order.settings) : order.settings;
    const settings = sayTier(entry, told, order.tier);
    const request = (asked && describeRequest(asked, { ...order, settings })) ?? undefined;
    return {
      prompts: rows.map(describePrompt),
      request:
        request &&
        (live
          ? await previewCall(entry, request, { apiKey, baseUrl, headers: hideValues(headers) })
          : await previewLine(entry, request)),
    };
  });
}

export function describePrompt({ index, givenId: id, prompt }: Row): PreviewedPrompt {
  return { row: index + 1, id, prompt };
}

function describeRequest(row: Row, { model, settings }: Omit<PromptRequest, 'customId' | 'content'>) {
  const content = contentOf(row);
  if (!content) return undefined;
  const customId = createCustomId(row.index, digestContent(content));
  const asking = { customId, model, content, settings };
  return fillRequest(asking, ({ bytes }) => `[${bytes} bytes in base64]`);
}

async function previewCall(
  entry: ProviderEntry,
  request: PromptRequest,
  { apiKey, ...place }: Pick<Connection, 'baseUrl' | 'headers'> & { readonly apiKey: string },
): Promise<RequestPreview | undefined> {
  let seen: WireRequest | undefined;
  const preview = (wire: WireRequest) => {
    seen ??= hideKey(wire, apiKey);
  };
  const provider = await entry.openSync({ apiKey, ...place, timeoutMs: 0, environment: {}, preview });
  await provider.generate(request, AbortSignal.timeout(60_000)).catch((error: unknown) => {
    if (!seen) throw error;
  });
  return seen && { kind: 'call', ...seen };
}

function hideValues(headers: GivenHeaders): GivenHeaders {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, shownValue]));
}

function hideKey({ headers, ...wire }: WireRequest, apiKey: string): WireRequest {
  const hidden = Object.entries(headers).map(([name, value]) => [name, value.replaceAll(apiKey, shownKey)]);
  return { ...wire, url: wire.url.replaceAll(apiKey, shownKey), headers: Object.fromEntries(hidden) };
}

async function previewLine(entry: ProviderEntry, request: PromptRequest): Promise<RequestPreview> {
  const connection = { apiKey: shownKey, timeoutMs: 0, environment: {} };
  const provider = await requireBatchApi(entry).openBatch(connection);
  return { kind: 'line', body: provider.encode(request) };
}
