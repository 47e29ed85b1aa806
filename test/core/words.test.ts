import { expect, it } from 'vitest';
import { findClosestName } from '../../src/core/words.ts';

it.each([
  ['cvs', ['json', 'csv', 'tsv'], 'csv'],
  ['opneai', ['anthropic', 'openai'], 'openai'],
  ['Txet', ['id', 'text'], 'text'],
  ['txt', ['id', 'text'], 'text'],
  ['xyz', ['id', 'text'], undefined],
])('%s in %j may stand for %j', (name, candidates, closest) => {
  expect(findClosestName(name, candidates)).toBe(closest);
});
