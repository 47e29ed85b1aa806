/** An answer goes beside the row that asked, whatever happens to the input while an output is written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestContent, plainContent } from '../../../src/core/request/content.ts';
import { createCustomId } from '../../../src/orchestrator/dataset/custom-ids.ts';
import { describeDataset } from '../../../src/orchestrator/dataset/dataset.ts';
import { OwnRowMatcher } from '../../../src/orchestrator/dataset/match-rows.ts';
import { type MergeOrder, mergeAnswers } from '../../../src/orchestrator/output/merge.ts';

let folder: string;
let inputPath: string;
let outputPath: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-merge-'));
  inputPath = join(folder, 'data.csv');
  outputPath = join(folder, 'out.csv');
  writeFileSync(inputPath, 'id,text\n1,Hello\n2,World\n');
});

afterEach(() => rmSync(folder, { recursive: true }));

function merge(change: Partial<MergeOrder>) {
  const order: MergeOrder = {
    dataset: describeDataset(inputPath, { column: 'text' }),
    outputPath,
    placing: 'new',
    provider: 'openai',
    model: 'm',
    columns: { groups: [] },
    changedRows: 'refuse',
    changeWords: { since: 'start', sent: 'sent', hint: 'Nothing.' },
    workTag: 'work',
    ensureHeld: async () => {},
    ...change,
  };
  return mergeAnswers(order, ({ prompt }) => ({ outcome: 'succeeded', text: `Answer to ${prompt}` }));
}

test.each([
  ['written to', 'id,text\n1,Hello\n2,World\n3,More\n'],
  ['written to, and is as long as it was', 'id,text\n2,World\n1,Hello\n'],
])('an input that is %s in the middle of the merge stops it, and nothing is left', async (_, content) => {
  const onBytes = () => writeFileSync(inputPath, content);
  await expect(merge({ onBytes })).rejects.toMatchObject({
    kind: 'input',
    message: `the input ${inputPath} was written to while it was read.`,
  });
  expect(readdirSync(folder)).toEqual(['data.csv']);
});

test('an input that is the output as well is replaced', async () => {
  await merge({ outputPath: inputPath, placing: 'replace' });
  expect(readFileSync(inputPath, 'utf8')).toBe(
    'id,text,llm_response\n1,Hello,Answer to Hello\n2,World,Answer to World\n',
  );
});

test('who has lost the lock puts nothing in its place, and leaves no draft', async () => {
  const ensureHeld = async () => {
    throw new Error('lost');
  };
  await expect(merge({ ensureHeld })).rejects.toThrow('lost');
  expect(existsSync(outputPath)).toBe(false);
  expect(readdirSync(folder)).toEqual(['data.csv']);
});

describe('rows that were sent', () => {
  const sent = ['Hello', 'World'];

  /** What becomes of rows, with an input that was the one that was sent a moment ago, and may be another by now. */
  function locate(prompts: readonly (string | null)[], equalPromptsOnce: boolean) {
    const matcher = new OwnRowMatcher({
      equalPromptsOnce,
      unknownRow: 'too_large',
      rowsWithPrompt: sent.length,
    });
    matcher.noteUnchanged();
    for (const [index, prompt] of sent.entries())
      matcher.add(createCustomId(index, digestContent(plainContent(prompt))));
    return prompts.map((prompt, index) => matcher.locate({ index, id: `${index}`, prompt }));
  }

  test.each([true, false])(
    'are known by their prompts as they are read now (equal prompts once: %s)',
    (once) => {
      expect(locate(['Hello', 'World'], once)).toEqual([0, 1]);
      expect(locate(['World', 'Hello'], once)).toEqual(['changed', 'changed']);
      expect(locate(['Hello', 'Moon'], once)).toEqual([0, 'changed']);
      expect(locate([null, 'World'], once)).toEqual(['changed', 1]);
      expect(locate(['Hello', 'World', 'More'], once)).toEqual([0, 1, 'too_large']);
    },
  );
});
