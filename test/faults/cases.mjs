import { creationCases } from './creation-cases.mjs';
import { editCases } from './edit-cases.mjs';
import { endingCases } from './ending-cases.mjs';
import { homeCases } from './home-cases.mjs';
import { providerCases } from './provider-cases.mjs';
import { resultCases } from './result-cases.mjs';
import { togetherCases } from './together-cases.mjs';

/** Every fault but those that stop a command at a step. */
export const cases = [
  ...providerCases,
  ...togetherCases,
  ...homeCases,
  ...endingCases,
  ...creationCases,
  ...resultCases,
  ...editCases,
];
