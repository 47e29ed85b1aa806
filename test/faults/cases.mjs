import { boundCases } from './bound-cases.mjs';
import { creationCases } from './creation-cases.mjs';
import { editCases } from './edit-cases.mjs';
import { endingCases } from './ending-cases.mjs';
import { folderCases } from './folder-cases.mjs';
import { frameCases } from './frame-cases.mjs';
import { homeCases } from './home-cases.mjs';
import { keyCases } from './key-cases.mjs';
import { limitCases } from './limit-cases.mjs';
import { lossCases } from './loss-cases.mjs';
import { outputCases } from './output-cases.mjs';
import { packCases } from './pack-cases.mjs';
import { providerCases } from './provider-cases.mjs';
import { readerCases } from './reader-cases.mjs';
import { resultCases } from './result-cases.mjs';
import { serverCases } from './server-cases.mjs';
import { signalCases } from './signal-cases.mjs';
import { togetherCases } from './together-cases.mjs';

/** Every fault but those that stop a command at a step. */
export const cases = [
  ...providerCases,
  ...togetherCases,
  ...homeCases,
  ...endingCases,
  ...creationCases,
  ...resultCases,
  ...frameCases,
  ...editCases,
  ...signalCases,
  ...readerCases,
  ...outputCases,
  ...lossCases,
  ...keyCases,
  ...folderCases,
  ...boundCases,
  ...limitCases,
  ...serverCases,
  ...packCases,
];
