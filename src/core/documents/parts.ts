/** What several documents hold. */
import * as z from 'zod/mini';
import { providerNamePattern } from '../names.ts';

/** As `-p` takes it; people may have some of their own. */
export const providerSchema = z.string().check(z.regex(providerNamePattern));

/** Why a command, or one job of it, could not be done; `kind` and `code` are short stable words, `code` the narrower. */
export const errorSchema = z.object({
  kind: z.string(),
  code: z.nullable(z.string()),
  message: z.string(),
  hint: z.nullable(z.string()),
});

/** What every document holds. */
export const ending = {
  /** What the process ended with. */
  exit_code: z.number(),
  error: z.nullable(errorSchema),
};

/** Any command that ended before it began: an unknown flag, a missing value. */
export const errorDocumentSchema = z.object({ command: z.nullable(z.string()), ...ending });

/** What answers cost. */
export const usageSchema = z.object({
  input_tokens: z.number(),
  output_tokens: z.number(),
  /** US dollars, about; null when no price is known for the model. */
  cost_usd: z.nullable(z.number()),
  /** A rehearsal: nothing was paid for, and a model would cost so much. */
  would_cost: z.boolean(),
  /** Where a tier of live calls was asked for, or answered in at another price: how many answers came in each. */
  tiers: z.optional(
    z.array(
      z.object({
        tier: z.string(),
        answers: z.number(),
        /** They do not say it: it is the one that was asked for. */
        assumed: z.boolean(),
      }),
    ),
  ),
});
