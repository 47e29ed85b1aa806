import { expect, it } from 'vitest';
import { createCustomId, parseCustomId } from '../../../src/orchestrator/dataset/custom-ids.ts';

it('reads what it makes', () => {
  const digest = Buffer.from('0a1b2c3dff', 'hex');
  for (const index of [0, 7, 10, 999_999, 123_456_789_012_345])
    expect(parseCustomId(createCustomId(index, digest))).toEqual({ index, fingerprint: 0x0a1b2c3d });
});

it.each([
  '',
  'row-',
  'row--0a1b2c3d',
  'row-1',
  'row-1-0a1b2c3',
  'row-1-0a1b2c3d5',
  'row-1-0A1B2C3D',
  'row-1-0a1b2c3g',
  'row-1-0a1b2c3:',
  'row-01-0a1b2c3d',
  'row-00-0a1b2c3d',
  'row-+1-0a1b2c3d',
  'row-a-0a1b2c3d',
  'row-1.5-0a1b2c3d',
  'row-1234567890123456-0a1b2c3d',
  'row-1_0a1b2c3d',
  ' row-1-0a1b2c3d',
  'Row-1-0a1b2c3d',
  'row-1-0a1b2c3d\n',
])('takes %j for an id of somebody else', (customId) => {
  expect(parseCustomId(customId)).toBeUndefined();
});
