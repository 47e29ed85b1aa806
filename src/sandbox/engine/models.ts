/** The models that the sandbox lists. It answers for any other as well: a list is never all that a vendor has. */
import type { VendorName } from '../vendors.ts';

interface SandboxModel {
  readonly id: string;
  readonly context: number;
}

/** A vendor that is not among them lists none. */
const names: { readonly [Name in VendorName]?: readonly (readonly [id: string, context: number])[] } = {
  openai: [
    ['gpt-4o', 128_000],
    ['gpt-4o-mini', 128_000],
    ['text-embedding-3-small', 8_191],
  ],
  anthropic: [
    ['claude-sonnet-4-5', 200_000],
    ['claude-haiku-4-5', 200_000],
  ],
  google: [
    ['gemini-2.5-flash', 1_048_576],
    ['gemini-2.5-pro', 1_048_576],
  ],
  openrouter: [
    ['openai/gpt-4o-mini', 128_000],
    ['anthropic/claude-haiku-4.5', 200_000],
  ],
  mistral: [
    ['mistral-small-latest', 131_072],
    ['mistral-medium-latest', 131_072],
  ],
  alibaba: [
    ['qwen-plus', 1_000_000],
    ['qwen-max', 32_768],
  ],
  fireworks: [['accounts/fireworks/models/gpt-oss-20b', 131_072]],
  xai: [
    ['grok-4.3', 1_000_000],
    ['grok-4.20-non-reasoning', 2_000_000],
  ],
  local: [['llama3.2', 131_072]],
  compatible: [['openai/gpt-oss-20b', 131_072]],
};

export function modelsOf(vendor: VendorName): readonly SandboxModel[] {
  return (names[vendor] ?? []).map(([id, context]) => ({ id, context }));
}

/** A page of them: from the one behind `after`, so many. */
export function pageOf(
  models: readonly SandboxModel[],
  after: string | null,
  size: number,
): { readonly page: readonly SandboxModel[]; readonly hasMore: boolean } {
  const start = after === null ? 0 : models.findIndex(({ id }) => id === after) + 1;
  return { page: models.slice(start, start + size), hasMore: start + size < models.length };
}
