/** How a name that is most likely a mistake is told. */
import type { MeantModel } from '../../api/models.ts';
import { titleOf } from '../../api/providers.ts';

/** `is gpt-4o-mnii meant to be gpt-4o-mini? No list of prices has gpt-4o-mnii of OpenAI.` */
export function questionName(asked: MeantModel, meant: MeantModel): string {
  const title = titleOf(asked.provider);
  if (meant.provider === asked.provider)
    return `is ${asked.model} meant to be ${meant.model}? No list of prices has ${asked.model} of ${title}.`;
  return `is ${asked.model} meant for --provider ${meant.provider}? The lists of prices have it there, and not of ${title}.`;
}
