/** What options can't be, alone or together. */
import { LoomError } from '../../core/errors.ts';

/** LoomError `usage` names the first that is none; a program without types may pass anything. */
export function requireWhole(numbers: Readonly<Record<string, number | undefined>>): void {
  for (const [name, number] of Object.entries(numbers)) {
    const least = name === 'sampleSeed' ? 0 : 1;
    if (number === undefined || (Number.isSafeInteger(number) && number >= least)) continue;
    throw new LoomError('usage', `${name} must be a whole number of at least ${least}, not ${number}.`);
  }
}

/** LoomError `usage` for a tier of what is no live run; a program without types may pass anything. */
export function refuseTier(options: object): void {
  if (!('tier' in options) || options.tier === undefined) return;
  throw new LoomError('usage', 'tier is for live calls: a batch has a price of its own.', {
    code: 'tier_of_batch',
    facts: {},
    hint: 'Leave it out.',
  });
}

/** LoomError `usage` for two options that can't stand together. */
export function exclude(one: string, other: string): LoomError {
  return new LoomError('usage', `${one} and ${other} exclude each other.`, {
    hint: 'Leave one of them out.',
  });
}
