/**
 * The lists of genai-prices, as far as they are used. The build puts them into this module (`scripts/price-lists.mjs`):
 * the package has ten times as much in it, and takes longer to load than all else that a short command does.
 */
import { findProvider, type ModelInfo } from '@pydantic/genai-prices';

export interface PriceList {
  readonly id: string;
  readonly models: readonly ListedModel[];
}

export type ListedModel = Pick<ModelInfo, 'id' | 'match' | 'context_window' | 'prices'>;

/** Undefined for a vendor that the package does not have. */
export function readBundledList(name: string): PriceList | undefined {
  return findProvider({ providerId: name });
}
