/** Counts on this machine the tokens that the input of a request takes. */

import { openTokenizer, type Tokenizer } from '../../cache/tokenizer.ts';
import type { GenerationSettings } from '../../core/models.ts';
import type { AskedContent } from '../../core/parts.ts';
import { textsOf } from '../../core/request/content.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { RunOrder } from '../orders/run-order.ts';

/** Who is asked, and with what settings. */
export type AskedModel = Pick<RunOrder, 'provider' | 'model' | 'settings'>;

export interface RequestCounter {
  /** The name of the encoding that counts. */
  readonly encoding: string;
  /** For the texts of one request, with all that goes out with each of them. */
  count(content: AskedContent): number;
  /** For a text by itself. */
  countText(text: string): number;
}

export async function openRequestCounter({ provider, model, settings }: AskedModel): Promise<RequestCounter> {
  const { messageTokens } = providerEntry(provider);
  const tokenizer = await openTokenizer(model);
  const beside = messageTokens + countSettings(tokenizer, settings);
  return {
    encoding: tokenizer.encoding,
    countText: (text) => tokenizer.count(text),
    count: (content) =>
      [content.system ?? '', ...textsOf(content)].reduce((sum, text) => sum + tokenizer.count(text), beside),
  };
}

/** The model is shown the system text and, in some form, the schema. */
function countSettings(
  tokenizer: Tokenizer,
  { system, schema, few_shot: examples = [] }: GenerationSettings = {},
): number {
  const turns = examples.flatMap(({ prompt, response }) => [prompt, response]);
  const texts = [system ?? '', schema ? JSON.stringify(schema) : '', ...turns];
  return texts.reduce((sum, text) => sum + tokenizer.count(text), 0);
}
