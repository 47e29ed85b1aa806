import { expect, test } from 'vitest';
import { settingsText } from '../../../src/core/request/settings-text.ts';

test('the usual API is not said: answers were filed before there was another', () => {
  expect(settingsText({ api: 'chat' })).toBeUndefined();
  expect(settingsText({ temperature: 0, api: 'chat' })).toBe('{"temperature":0}');
  expect(settingsText({ temperature: 0, api: 'responses' })).toBe('{"api":"responses","temperature":0}');
});
