/**
 * What comes from outside in words, made fit to be shown and kept: one line, without a secret, without characters that
 * steer a terminal, and not too long. Secrets go first, so that no cut leaves a part of one. Never applied to answers.
 */

import type { Connection } from '../connection.ts';
import { longestMessage, longestWord } from '../network/limits.ts';
import { hiddenSecret, listSecrets, openRedactor, type Redactor } from './secrets.ts';

export interface Words {
  /** A sentence: an error's message, a reason. */
  message(text: string): string;
  /** A word: an error's code, a status, the reason of an end. */
  word(text: string): string;
  /** The whole of a text without secrets, otherwise as it is. */
  hide(text: string): string;
}

/** So many characters are looked at for those that are shown: white space and tags may take up the rest. */
const longestLook = 4_096;

/** The words of a connection, which know all its secrets. */
export function openWords(connection: Connection): Words {
  const redactor = openRedactor(listSecrets(connection));
  return {
    message: rememberWords((text) => cutText(makeLine(text, redactor), longestMessage)),
    word: rememberWords((text) => cutText(makeLine(text, redactor), longestWord)),
    hide: redactor.hide,
  };
}

const mostRemembered = 64;
const longestRemembered = 256;

/** A batch has a hundred thousand rows, and the same few words in each: the work is done once for them. */
function rememberWords(make: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const made = known.get(text) ?? make(text);
    if (text.length > longestRemembered || known.has(text)) return made;
    if (known.size === mostRemembered) known.clear();
    known.set(text, made);
    return made;
  };
}

/** The work is bounded by what is looked at, and no expression goes over a character more than a few times. */
function makeLine(text: string, redactor: Redactor): string {
  return hideKnownShapes(lookAt(text, redactor))
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/ {2,}/g, ' ')
    .trim();
}

/** The beginning of a text without secrets. A secret at the end of what is looked at goes with the last characters. */
function lookAt(text: string, { hide, reach }: Redactor): string {
  if (text.length <= longestLook) return hide(text);
  const hidden = hide(text.slice(0, longestLook + reach));
  return hidden.slice(0, Math.max(0, hidden.length - reach));
}

/**
 * Keys that are not those of this connection, told by their form, their mask, or what stands ahead of them. What our own
 * advice has in the place of a password is none.
 */
function hideKnownShapes(text: string): string {
  return text
    .replace(/\b(?:sk|pk|rk)-[\w*-]{8,}|\bAIza[\w-]{16,}/g, hiddenSecret)
    .replace(/\bBearer\s+[^\s"',;]+/gi, `Bearer ${hiddenSecret}`)
    .replace(/\bBasic\s+(?:[\w+/-]{16,}={0,2}|[\w+/-]{6,}={1,2})/gi, `Basic ${hiddenSecret}`)
    .replace(/([?&](?:api[-_]?)?key=)[^\s&"']+/gi, `$1${hiddenSecret}`)
    .replace(/(\w:\/\/)(?!(?:user:password|…)@)[^\s/@]{1,1000}@/g, '$1')
    .replace(/[^\s"'`<>(){}[\],;:=]+/g, (word) => (word.includes('****') ? hiddenSecret : word));
}

export function cutText(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const cut = text.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, '');
  return `${cut.trimEnd()}…`;
}
