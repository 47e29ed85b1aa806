/**
 * Whether the name of a model is most likely a mistake: the lists of prices know it only of another provider, or one that
 * is a letter or so away. What is merely unknown is no mistake: lists are older than models, and servers of one's own have
 * names of their own. A name that a person's own prices have is never asked about.
 */
import type { ProviderName } from '../../core/names.ts';
import type { KnownNames } from './known-names.ts';
import type { PricedVendor } from './model-price.ts';

/** What was perhaps meant. */
export interface MeantModel {
  readonly provider: ProviderName;
  readonly model: string;
}

/** Undefined for a name that is known, or like none. `others` in the order in which they are proposed. */
export function questionModel(
  known: KnownNames,
  vendor: PricedVendor,
  others: readonly PricedVendor[],
  model: string,
): MeantModel | undefined {
  const name = model.trim();
  if (isOwn(name) || isKnown(known, vendor, name)) return undefined;
  const names = known.list(vendor);
  const whole = names.find((listed) => listed.endsWith(`/${name}`));
  if (whole !== undefined) return { provider: vendor.name, model: whole };
  const other = others.find((vendor) => isKnown(known, vendor, name));
  if (other) return { provider: other.name, model: name };
  const near = findNear(name, names);
  return near === undefined ? undefined : { provider: vendor.name, model: near };
}

/** Of a person's own account: fine-tuned models of OpenAI, on Azure too, and of Google. */
function isOwn(name: string): boolean {
  return /^ft:|\.ft-|^tunedModels\//.test(name);
}

/** A snapshot counts as what it is one of, `models/…` and a variant such as `…:free` as what they stand before or behind. */
function isKnown(known: KnownNames, vendor: PricedVendor, name: string): boolean {
  const plain = name.replace(/^models\//, '');
  const base = plain.replace(/:[a-z]+$/, '');
  return [plain, base].some((form) => formsOf(form).some((spelled) => known.spells(vendor, spelled)));
}

/** `gpt-4o-2024-08-06` → itself, `gpt-4o`; what a snapshot ends in goes step by step. */
function formsOf(name: string): string[] {
  const shorter = name.replace(/[-@](?:latest|preview|exp|\d{2,4}|\d{6,8}|\d{4}-\d{2}-\d{2})$/, '');
  return shorter === name ? [name] : [name, ...formsOf(shorter)];
}

/** Names that are shorter differ by a letter and mean another model. */
const shortest = 4;
/** From this length on two letters may be wrong. */
const longFrom = 12;

function findNear(name: string, names: readonly string[]): string | undefined {
  if (name.length < shortest) return undefined;
  const most = name.length >= longFrom ? 2 : 1;
  let nearest: { readonly known: string; readonly distance: number } | undefined;
  for (const known of names) {
    const [asked, other] = [name.toLowerCase(), known.toLowerCase()];
    if (Math.abs(other.length - asked.length) > most || !isMisspelling(asked, other)) continue;
    const distance = editDistance(asked, other);
    if (distance <= most && distance < (nearest?.distance ?? Number.POSITIVE_INFINITY))
      nearest = { known, distance };
  }
  return nearest?.known;
}

/**
 * Not another version, where only digits differ, and not another model, where a whole word does: `gpt-5.9` and
 * `qwen-mt-plus` are names by themselves.
 */
function isMisspelling(name: string, known: string): boolean {
  const lettersOf = (text: string) => text.replace(/[\d.]/g, '').replace(/-+/g, '-').replace(/-$/, '');
  const digitsOf = (text: string) => text.replace(/\D/g, '');
  if (lettersOf(name) === lettersOf(known) && digitsOf(name) !== digitsOf(known)) return false;
  const [words, others] = [name.split(/[-/]/), known.split(/[-/]/)];
  if (words.length !== others.length) return true;
  return words.every((word, index) => {
    const other = others[index] as string;
    return editDistance(word, other) <= Math.max(word.length, other.length) / 2;
  });
}

/** Letters that are added, left out, changed, or in the place of their neighbour. */
function editDistance(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const next = [row];
    for (let column = 1; column <= other.length; column++) {
      const changed = one[row - 1] === other[column - 1] ? 0 : 1;
      const isSwap = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      next[column] = Math.min(
        (last[column] as number) + 1,
        (next[column - 1] as number) + 1,
        (last[column - 1] as number) + changed,
        isSwap ? (before[column - 2] ?? Number.POSITIVE_INFINITY) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = last;
    last = next;
  }
  return last[other.length] as number;
}
