/** Of commands that look at outputs. */
import * as z from 'zod/mini';
import { ending, usageSchema } from './parts.ts';

export const reportDocumentSchema = z.object({
  command: z.literal('report'),
  ...ending,
  /** The page; null when none was written. */
  report_path: z.nullable(z.string()),
  output_path: z.nullable(z.string()),
  /** Of the output. */
  rows: z.nullable(z.number()),
  /** How many of them the page shows. */
  rows_shown: z.nullable(z.number()),
});
export type ReportDocument = z.infer<typeof reportDocumentSchema>;

export const compareDocumentSchema = z.object({
  command: z.literal('compare'),
  ...ending,
  /** The page; null when none was written. */
  page_path: z.nullable(z.string()),
  /** Rows that every output has: all figures are of these. */
  rows: z.nullable(z.number()),
  /** How many of them the page shows. */
  rows_shown: z.nullable(z.number()),
  matched_by: z.nullable(z.enum(['column', 'position'])),
  /** The column by which rows were matched. */
  on: z.nullable(z.string()),
  /** Rows in which not all answers are equal. */
  differing: z.nullable(z.number()),
  /** null when there are more than are counted. */
  different_answers: z.nullable(z.number()),
  outputs: z.array(
    z.object({
      output_path: z.string(),
      answer_column: z.string(),
      provider: z.nullable(z.string()),
      model: z.nullable(z.string()),
      rows: z.number(),
      /** Rows that not every output has. */
      unmatched: z.number(),
      answered: z.number(),
      usage: z.nullable(usageSchema),
      /** From the start of the run until its output was there. */
      seconds: z.nullable(z.number()),
      /** null when nothing is expected. */
      expected: z.nullable(
        z.object({
          /** Rows that say what is expected. */
          rows: z.number(),
          correct: z.number(),
          /** Rows without an answer, which count as wrong. */
          unanswered: z.number(),
          /** A share of 1. */
          accuracy: z.nullable(z.number()),
          macro_f1: z.nullable(z.number()),
          labels: z.array(
            z.object({
              label: z.string(),
              expected: z.number(),
              answered: z.number(),
              correct: z.number(),
              f1: z.number(),
            }),
          ),
          /** The 1,000 most frequent cells at most; `answered` is null for no answer. */
          confusion: z.array(
            z.object({ expected: z.string(), answered: z.nullable(z.string()), rows: z.number() }),
          ),
        }),
      ),
    }),
  ),
  /** Each two outputs, by their places from 0. */
  pairs: z.array(
    z.object({
      outputs: z.array(z.number()),
      /** Rows that both answered. */
      rows: z.number(),
      equal: z.number(),
      agreement_percent: z.nullable(z.number()),
      /** Cohen's; null when it is not defined, or the answers are no labels. */
      kappa: z.nullable(z.number()),
    }),
  ),
  /** How often each output gives each; null when the answers are no labels. */
  labels: z.nullable(
    z.array(z.object({ label: z.string(), rows: z.array(z.number()), expected: z.nullable(z.number()) })),
  ),
});
export type CompareDocument = z.infer<typeof compareDocumentSchema>;
