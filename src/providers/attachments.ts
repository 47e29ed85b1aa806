/**
 * What each provider takes beside text, in one table: types whose bytes stand in a request, how large one may be, and
 * what it fetches itself from an address. Figures are those of the vendors' documentation of 2026; they change, and a
 * provider refuses what it does not take in any case: the table is there to tell before anything is sent.
 */

import type { GenerationSettings, ProviderName } from '../core/models.ts';
import type { FileKind } from '../core/parts.ts';

export interface AttachmentRules {
  /** Of files whose bytes go along. */
  readonly mediaTypes: readonly string[];
  /** The most bytes of one such file. */
  readonly fileBytes: number;
  /** What it fetches itself from an address. */
  readonly links: readonly FileKind[];
}

const mega = 1_000_000;
const pictures = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];
const pdf = 'application/pdf';

/** Of servers that speak like OpenAI: pictures, if the model takes any. */
const usual: AttachmentRules = { mediaTypes: pictures, fileBytes: 20 * mega, links: ['image'] };

const rules: Readonly<Record<ProviderName, AttachmentRules>> = {
  openai: { mediaTypes: [...pictures, pdf], fileBytes: 32 * mega, links: ['image'] },
  azure: { mediaTypes: [...pictures, pdf], fileBytes: 20 * mega, links: ['image'] },
  // 5 MB a picture, and 32 MB a request.
  anthropic: { mediaTypes: [...pictures, pdf], fileBytes: 5 * mega, links: ['image', 'document'] },
  // 20 MB a request in all; GIF is not among its types.
  google: {
    mediaTypes: ['image/png', 'image/jpeg', 'image/webp', pdf],
    fileBytes: 14 * mega,
    links: [],
  },
  openrouter: { mediaTypes: [...pictures, pdf], fileBytes: 20 * mega, links: ['image'] },
  xai: { mediaTypes: ['image/png', 'image/jpeg'], fileBytes: 20 * mega, links: ['image'] },
};

/** What this provider takes by this API. */
export function attachmentRules(
  provider: ProviderName,
  settings: GenerationSettings | undefined,
): AttachmentRules {
  const own = rules[provider] ?? usual;
  // Chat completions have no place for the address of a document, and Responses have one.
  return settings?.api === 'responses' && own.mediaTypes.includes(pdf)
    ? { ...own, links: ['image', 'document'] }
    : own;
}
