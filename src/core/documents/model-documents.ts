/** Of commands about models, keys and this machine. */
import * as z from 'zod/mini';
import { ending, providerSchema } from './parts.ts';

/** US dollars for a million tokens. */
const levelSchema = z.object({
  /** Of requests with more tokens of input than these. */
  above: z.number(),
  input: z.number(),
  output: z.number(),
  /** Of input that the provider has in its own cache. */
  cached_input: z.nullable(z.number()),
});

export const modelsDocumentSchema = z.object({
  command: z.literal('models'),
  ...ending,
  models: z.array(
    z.object({
      provider: providerSchema,
      /** One that ends in `*` is a price of your own for several. */
      model: z.string(),
      /** By the length of the input, the first from 0 on; empty where no price is known. */
      prices: z.array(levelSchema),
      /** The same in batches; empty also where the provider takes none. */
      batch_prices: z.array(levelSchema),
      /** Tokens that the model takes. */
      context: z.nullable(z.number()),
    }),
  ),
});
export type ModelsDocument = z.infer<typeof modelsDocumentSchema>;

export const doctorDocumentSchema = z.object({
  command: z.literal('doctor'),
  ...ending,
  findings: z.array(
    z.object({
      about: z.enum(['config', 'node', 'home', 'disk', 'providers', 'prices', 'proxy', 'key']),
      /** absent: nothing is there, and nothing is wrong with that. */
      state: z.enum(['ok', 'absent', 'wrong']),
      message: z.string(),
      /** Of a key, or a proxy. */
      provider: z.nullable(providerSchema),
    }),
  ),
});
export type DoctorDocument = z.infer<typeof doctorDocumentSchema>;

export const keysSetDocumentSchema = z.object({
  command: z.literal('keys set'),
  ...ending,
  provider: providerSchema,
  /** Where it is kept. */
  path: z.string(),
  /** Whether there was one before; null where none was kept now. */
  replaced: z.nullable(z.boolean()),
});
export type KeysSetDocument = z.infer<typeof keysSetDocumentSchema>;

export const keysListDocumentSchema = z.object({
  command: z.literal('keys list'),
  ...ending,
  /** Those that were found, by provider, the one that is used first. */
  keys: z.array(
    z.object({
      provider: providerSchema,
      source: z.enum(['environment', 'dotenv', 'kept']),
      /** null for one that is kept. */
      variable: z.nullable(z.string()),
      /** The file that holds it; null for the environment. */
      path: z.nullable(z.string()),
      /** Its last four characters; null for a short key. */
      end: z.nullable(z.string()),
      used: z.boolean(),
    }),
  ),
});
export type KeysListDocument = z.infer<typeof keysListDocumentSchema>;

export const keysRmDocumentSchema = z.object({
  command: z.literal('keys rm'),
  ...ending,
  provider: providerSchema,
  path: z.string(),
  removed: z.boolean(),
});
export type KeysRmDocument = z.infer<typeof keysRmDocumentSchema>;
