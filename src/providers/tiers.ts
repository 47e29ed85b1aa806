/**
 * Tiers of live calls: slower and cheaper ones, or faster and dearer ones, as a vendor has them. What is asked stays the
 * same, so a tier is no setting: an answer of one is found where another is asked for.
 */
import { LoomError } from '../core/errors.ts';
import type { GenerationSettings } from '../core/models.ts';
import type { LiveTiers, ProviderEntry, TierPrice } from './provider.ts';

type TierOwner = Pick<ProviderEntry, 'title' | 'tiers'>;

/** LoomError `usage` for a tier that the provider does not have, or that its own field says already. */
export function checkTier(
  { title, tiers }: TierOwner,
  tier: string,
  settings: GenerationSettings = {},
): void {
  const names = Object.keys(tiers?.prices ?? {});
  if (!tiers || !names.includes(tier)) {
    throw new LoomError('usage', `${title} has no tier ${JSON.stringify(tier)} of live calls.`, {
      code: 'tier_unknown',
      facts: { title, tier, tiers: names },
      hint: names.length === 0 ? 'Leave it out.' : `It has ${names.join(', ')}.`,
    });
  }
  if (settings.extra?.[tiers.field] === undefined) return;
  throw new LoomError('usage', `settings.extra can't set ${tiers.field}: the tier does.`, {
    code: 'extra_field_taken',
    facts: { field: tiers.field, by: 'setting' },
    hint: 'Leave it out.',
  });
}

/** The settings as they go over the wire: with the tier in its field. */
export function sayTier(
  { tiers }: TierOwner,
  settings: GenerationSettings | undefined,
  tier: string | undefined,
): GenerationSettings | undefined {
  if (!tiers || tier === undefined) return settings;
  return { ...settings, extra: { ...settings?.extra, [tiers.field]: tier } };
}

/** The tier that is asked for, also where a setting says its field. */
export function findAskedTier(
  { tiers }: TierOwner,
  tier: string | undefined,
  settings: GenerationSettings = {},
): string | undefined {
  const said = tier ?? (tiers && settings.extra?.[tiers.field]);
  return typeof said === 'string' ? said : undefined;
}

/** Words for what costs as any call does: of OpenAI's and Google's enumerations, and for one that is left to the account. */
const ordinary = ['', 'auto', 'default', 'standard', 'unspecified'];

/** What an answer of a tier costs. A word that nobody knows may cost anything. */
export function priceOfTier(tiers: LiveTiers | undefined, tier: string | undefined): TierPrice {
  const word = plainTier(tier ?? '');
  if (!tiers || ordinary.includes(word)) return 'list';
  return tiers.prices[word] ?? 'unknown';
}

/** Enumerations may be written large, and with their name: `SERVICE_TIER_FLEX`. */
function plainTier(word: string): string {
  return word.toLowerCase().replace(/^service_tier_/, '');
}
