/**
 * Takes keys and passwords out of text from outside: whatever a server, a gateway or a proxy repeats of what it was
 * sent. It works on the text as it came, before anything is cut, and each pass reads the text once.
 */
import { listHeaderSecrets } from '../../core/request/headers.ts';
import type { Connection } from '../connection.ts';
import { listProxySecrets } from '../network/proxies.ts';

/** Takes known secrets out of a text. */
export interface Redactor {
  hide(text: string): string;
  /** How many characters a secret may take in a text, in the longest of its forms. */
  readonly reach: number;
}

/** What stands in the place of a secret. */
export const hiddenSecret = '[key]';

/** A shorter one is no secret: ordinary words are made of such. */
const shortestSecret = 4;
/** From here on a secret is found within a longer word too; a shorter one could be a part of any. */
const shortestInWords = 8;
/** So much of the beginning of a longer secret, and half of it, is told by nobody else. */
const tellingStart = 12;
/** What one character takes at most: `&#x2f;`, `\u002f`, a few more in JSON within JSON. */
const longestForm = 8;

/** What the calls of a connection carry and nobody may read: the key, values of headers, passwords in addresses, those of proxies. */
export function listSecrets({ apiKey, headers = {}, baseUrl, environment }: Connection): string[] {
  const secrets = [apiKey ?? '', ...listHeaderSecrets(headers), ...listProxySecrets(environment)];
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return secrets;
  const { username, password, searchParams } = new URL(baseUrl);
  const [user, plain] = [username, password].map(decode);
  if (password) secrets.push(password, plain as string, toBase64(`${user}:${plain}`));
  return [...secrets, ...searchParams.values()];
}

/**
 * A secret is found as it is, escaped as JSON, HTML and addresses have it, in Base64 as part of anything, cut off at its
 * end, in pieces (without its start, wrapped at line ends), and with a mask in its middle (`sk-ab***yz`); one of fewer than eight characters only as a word of its own.
 */
export function openRedactor(secrets: readonly string[]): Redactor {
  const known = [...new Set(secrets)]
    .filter((secret) => secret.length >= shortestSecret)
    .sort((one, other) => other.length - one.length);
  const inWords = known.filter((secret) => secret.length >= shortestInWords);
  const asWords = known.filter((secret) => secret.length < shortestInWords);
  const patterns = [
    ...joinPatterns(
      inWords.flatMap((secret) => [spellOut(secret), ...spellBase64(secret)]),
      'gi',
    ),
    ...joinPatterns(
      asWords.flatMap((secret) => [
        `(?<![A-Za-z0-9_])${spellWhole(secret)}(?![A-Za-z0-9_])`,
        ...spellBase64(secret),
      ]),
      'g',
    ),
  ];

  const pieces = indexPieces(known);

  return {
    reach: longestForm * (known[0]?.length ?? 0),
    hide(text) {
      if (known.length === 0) return text;
      const hidden = patterns.reduce((rest, pattern) => rest.replace(pattern, hiddenSecret), text);
      return hideMasked(hidePieces(hidden, pieces), known);
    },
  };
}

function joinPatterns(forms: readonly string[], flags: string): RegExp[] {
  return forms.length === 0 ? [] : [new RegExp(forms.join('|'), flags)];
}

/** A secret in any of its forms; of a long one also a beginning that was cut off. */
function spellOut(secret: string): string {
  const needed = Math.max(tellingStart, Math.ceil(secret.length / 2));
  if (secret.length <= needed) return spellWhole(secret);
  const [start, rest] = [secret.slice(0, needed), secret.slice(needed)].map(spellWhole);
  return `${start}(?:${rest}|[\\w.+/=~%-]*)`;
}

function spellWhole(secret: string): string {
  return Array.from(secret, spellCharacter).join('');
}

const entities: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' };

/** A slash is `/`, `\/`, `%2F`, `\u002f`, `&#47;` and `&#x2F;`, JSON in JSON has more of `\`; letters and digits stay. */
function spellCharacter(character: string): string {
  if (/[A-Za-z0-9]/.test(character)) return character;
  const code = character.codePointAt(0) as number;
  const hex = anyCase(code.toString(16));
  const bytes = Buffer.from(character).toString('hex').replace(/../g, '%$&');
  const named = entities[character] ? [`&${entities[character]};`] : [];
  const escapes = [anyCase(bytes), `\\\\{1,7}u0*${hex}`, `&#0?${code};`, `&#[xX]0?${hex};`, ...named];
  return `(?:\\\\{0,7}${escapeForPattern(character)}|${escapes.join('|')})`;
}

function anyCase(hex: string): string {
  return hex.replace(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/**
 * What Base64 makes of a secret wherever it stands among other bytes (`user:key` in Basic authorization): the three ways
 * in which its bits fall into characters, without those that its neighbours have a part in.
 */
function spellBase64(secret: string): string[] {
  // Six characters of Base64 are no word, four may be.
  if (secret.length < 5) return [];
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const own = toBase64(bytes).slice(before === 0 ? 0 : before + 1, Math.floor((bytes.length * 8) / 6));
    return `${own.replace(/\+/g, '[-+]').replace(/\//g, '[/_]')}[\\w+/-]*={0,2}`;
  });
}

function toBase64(bytes: string | Buffer): string {
  return Buffer.from(bytes as string).toString('base64');
}

/** A look takes so many characters, and there is one for every `lookStep`: no piece of `shortestPiece` is between them. */
const lookLength = 12;
const lookStep = 6;
const shortestPiece = lookLength + lookStep - 1;

type Pieces = ReadonlyMap<string, { readonly secret: string; readonly at: number }>;

/** What a look may meet with, and where in which secret that stands. */
function indexPieces(secrets: readonly string[]): Pieces {
  const pieces = new Map<string, { secret: string; at: number }>();
  for (const secret of secrets.filter(({ length }) => length >= shortestPiece)) {
    for (let at = 0; at + lookLength <= secret.length; at++)
      pieces.set(secret.slice(at, at + lookLength), { secret, at });
  }
  return pieces;
}

function hidePieces(text: string, pieces: Pieces): string {
  if (pieces.size === 0) return text;
  const kept: string[] = [];
  let done = 0;
  for (let look = 0; look + lookLength <= text.length; look += lookStep) {
    const piece = look < done ? undefined : pieces.get(text.slice(look, look + lookLength));
    if (!piece) continue;
    const { secret, at } = piece;
    let [before, after] = [0, lookLength];
    while (look - before > done && at > before && text[look - before - 1] === secret[at - before - 1])
      before++;
    while (at + after < secret.length && text[look + after] === secret[at + after]) after++;
    if (before + after < shortestPiece) continue;
    kept.push(text.slice(done, look - before), hiddenSecret);
    done = look + after;
  }
  return kept.length === 0 ? text : kept.join('') + text.slice(done);
}

const wordCharacter = /[\w-]/;

/** Ways to make the middle of a secret unreadable. */
const masks = /\*{2,}|•{2,}|…|\.{3,}|[xX]{4,}/g;

/** A text without what it shows of a secret around a mask: enough of both ends, or of one. */
function hideMasked(text: string, secrets: readonly string[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { 0: mask, index } of text.matchAll(masks)) {
    if (index < at) continue;
    const end = index + mask.length;
    // Three dots also end a sentence, stars do not.
    const needed = /^[*•]/.test(mask) ? 3 : 5;
    for (const secret of secrets) {
      const head = countShared(text.slice(Math.max(at, index - secret.length), index), secret);
      const tail = countShared(secret, text.slice(end, end + secret.length));
      if (head + tail < needed) continue;
      // What stands right beside it may be more of it.
      let [from, to] = [index - head, end + tail];
      while (from > at && wordCharacter.test(text[from - 1] as string)) from -= 1;
      while (to < text.length && wordCharacter.test(text[to] as string)) to += 1;
      pieces.push(text.slice(at, from), hiddenSecret);
      at = to;
      break;
    }
  }
  return pieces.length === 0 ? text : pieces.join('') + text.slice(at);
}

/** How many characters at the end of one text are the beginning of the other. */
function countShared(left: string, right: string): number {
  let shared = Math.min(left.length, right.length);
  // Most texts share nothing, and their masks may be many.
  if (!left.includes(right.slice(0, 2)) && left.at(-1) !== right[0]) return 0;
  while (shared > 0 && !left.endsWith(right.slice(0, shared))) shared -= 1;
  return shared;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
