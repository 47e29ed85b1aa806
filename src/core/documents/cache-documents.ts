/** Of commands about the cache. */
import * as z from 'zod/mini';
import { ending } from './parts.ts';

export const cacheStatsDocumentSchema = z.object({
  command: z.literal('cache stats'),
  ...ending,
  folder: z.string(),
  /** Cached responses, and files that are named like one. */
  entries: z.number(),
  bytes: z.number(),
  /** Those of them that can't be read. */
  damaged: z.number(),
  /** The files that they are in, and how many of these are packs of many responses. */
  files: z.number(),
  packs: z.number(),
  /** Those with most entries first; times are ISO 8601, UTC. */
  groups: z.array(
    z.object({
      provider: z.string(),
      model: z.string(),
      entries: z.number(),
      bytes: z.number(),
      oldest: z.string(),
      newest: z.string(),
    }),
  ),
});
export type CacheStatsDocument = z.infer<typeof cacheStatsDocumentSchema>;

export const cacheClearDocumentSchema = z.object({
  command: z.literal('cache clear'),
  ...ending,
  folder: z.string(),
  /** Responses that were there, and the files that they were in. */
  entries: z.number(),
  files: z.number(),
  /** Files that went, and the responses that were in them and in packs of which others stay. */
  removed: z.number(),
  removed_entries: z.number(),
});
export type CacheClearDocument = z.infer<typeof cacheClearDocumentSchema>;
