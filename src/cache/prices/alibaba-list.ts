/**
 * What Qwen's models cost at Alibaba Cloud Model Studio, which the bundled list has no prices of: in Singapore, the address
 * that is asked where no other is given. Of July 2026, from https://www.alibabacloud.com/help/en/model-studio/model-pricing
 * and as https://models.dev has them. Where thinking costs more, these are the prices without it.
 */
import type { ListedModel, PriceList } from './bundled-list.ts';

/** Names, tokens of context, and prices by the tokens of input above which they hold. */
type Row = readonly [name: string, context: number, ...levels: readonly Level[]];
type Level = readonly [above: number, input: number, output: number];

const rows: readonly Row[] = [
  ['qwen3.7-max', 1_000_000, [0, 2.5, 7.5]],
  ['qwen3.7-plus', 1_000_000, [0, 0.5, 3], [256_000, 2, 6]],
  ['qwen3.6-max-preview', 262_144, [0, 1.3, 7.8]],
  ['qwen3.6-plus', 1_000_000, [0, 0.5, 3], [256_000, 2, 6]],
  ['qwen3.6-flash', 1_000_000, [0, 0.1875, 1.125]],
  ['qwen3.6-35b-a3b', 262_144, [0, 0.248, 1.485]],
  ['qwen3.6-27b', 262_144, [0, 0.6, 3.6]],
  ['qwen3.5-plus', 1_000_000, [0, 0.4, 2.4], [256_000, 0.5, 3]],
  ['qwen3.5-397b-a17b', 262_144, [0, 0.6, 3.6]],
  ['qwen3.5-122b-a10b', 262_144, [0, 0.4, 3.2]],
  ['qwen3.5-35b-a3b', 262_144, [0, 0.25, 2]],
  ['qwen3.5-27b', 262_144, [0, 0.3, 2.4]],
  ['qwen3-max', 262_144, [0, 1.2, 6], [32_000, 2.4, 12], [128_000, 3, 15]],
  ['qwen3-coder-plus', 1_000_000, [0, 1, 5], [32_000, 1.8, 9], [128_000, 3, 15], [256_000, 6, 60]],
  ['qwen3-coder-flash', 1_000_000, [0, 0.3, 1.5], [32_000, 0.5, 2.5], [128_000, 0.8, 4], [256_000, 1.6, 9.6]],
  ['qwen3-coder-480b-a35b-instruct', 262_144, [0, 1.5, 7.5]],
  ['qwen3-coder-30b-a3b-instruct', 262_144, [0, 0.45, 2.25]],
  ['qwen3-next-80b-a3b-instruct', 131_072, [0, 0.5, 2]],
  ['qwen3-next-80b-a3b-thinking', 131_072, [0, 0.5, 6]],
  ['qwen3-vl-plus', 262_144, [0, 0.2, 1.6], [32_000, 0.3, 2.4], [128_000, 0.6, 4.8]],
  ['qwen3-235b-a22b', 131_072, [0, 0.7, 2.8]],
  ['qwen3-32b', 131_072, [0, 0.7, 2.8]],
  ['qwen3-14b', 131_072, [0, 0.35, 1.4]],
  ['qwen3-8b', 131_072, [0, 0.18, 0.7]],
  ['qwen-max', 32_768, [0, 1.6, 6.4]],
  ['qwen-plus', 1_000_000, [0, 0.4, 1.2], [256_000, 1.2, 3.6]],
  ['qwen-flash', 1_000_000, [0, 0.05, 0.4], [256_000, 0.25, 2]],
  ['qwen-turbo', 1_000_000, [0, 0.05, 0.2]],
  ['qwen-vl-max', 131_072, [0, 0.8, 3.2]],
  ['qwen-vl-plus', 131_072, [0, 0.21, 0.63]],
  ['qwq-plus', 131_072, [0, 0.8, 2.4]],
  ['qvq-max', 131_072, [0, 1.2, 4.8]],
  ['qwen2.5-72b-instruct', 131_072, [0, 1.4, 5.6]],
  ['qwen2.5-32b-instruct', 131_072, [0, 0.7, 2.8]],
  ['qwen2.5-14b-instruct', 131_072, [0, 0.35, 1.4]],
  ['qwen2.5-7b-instruct', 131_072, [0, 0.175, 0.7]],
];

export const alibaba: PriceList = {
  id: 'alibaba',
  models: rows.map(describeModel),
};

function describeModel([name, context_window, ...levels]: Row): ListedModel {
  const snapshots = `^${name.replaceAll('.', String.raw`\.`)}-(latest|\\d{4}-\\d{2}-\\d{2})$`;
  return {
    id: name,
    match: { or: [{ equals: name }, { regex: snapshots }] },
    context_window,
    prices: {
      input_mtok: levelled(levels.map(([above, input]) => [above, input])),
      output_mtok: levelled(levels.map(([above, , output]) => [above, output])),
    },
  };
}

function levelled(prices: readonly (readonly [start: number, price: number])[]) {
  const [[, base] = [0, 0], ...longer] = prices;
  return longer.length === 0 ? base : { base, tiers: longer.map(([start, price]) => ({ start, price })) };
}
