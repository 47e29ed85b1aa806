/** What refusals mean at OpenAI, and at those that speak alike. */
import { asObject, firstText } from '../network/wire.ts';
import { type Classify, scopeOfStatus } from '../protocol/refusal.ts';
import type { Profile } from './profile.ts';

/** Refusals that last until somebody pays. */
const billingCodes = ['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active'];

/** How a server may call a refused key; another word on a 401 (`account_deactivated`) is kept. */
const keyCodes = ['', 'invalid_api_key', 'invalid_request_error', 'authentication_error'];

/** By the vendor's own rules, and by those of OpenAI where none of them fits. */
export function classifyBy({
  refusals = [],
  codePlaces = [],
  isOwnError = () => false,
}: Pick<Profile, 'refusals' | 'codePlaces' | 'isOwnError'>): Classify {
  return (refusal) => {
    const places = codePlaces.map((place) =>
      place.split('.').reduce<unknown>((value, step) => asObject(value)[step], refusal.error),
    );
    const { status, message } = refusal;
    const code = firstText(...places, refusal.code);
    const rule = refusals.find(
      (rule) =>
        (rule.status ?? status) === status &&
        (rule.code ?? code) === code &&
        (rule.says?.test(message) ?? true),
    );
    const meant = rule
      ? { scope: rule.scope, code: rule.as ?? code }
      : { code, ...classifyOpenAi({ ...refusal, code }) };
    return { ...meant, inOwnForm: isOwnError(refusal.body) };
  };
}

const fileNotReady =
  /\bfile\b.{0,120}?\b(?:(?:not|n't)(?: \w+){0,2} (?:processed|ready|validated)|being (?:processed|validated)|(?:still|is) processing|status\b.{0,20}\b(?:uploaded|pending|running|processing))\b/is;

const classifyOpenAi: Classify = ({ status, code, message }) => {
  if (status === 401) return { scope: 'run', code: keyCodes.includes(code) ? 'invalid_api_key' : code };
  // LiteLLM's proxy without a database has no other word for a key that is not its own, with a 400.
  if (code === 'no_db_connection') return { scope: 'run', code: 'invalid_api_key' };
  if (billingCodes.includes(code)) return { scope: 'run' };
  if (code === 'model_not_found' || /invalid model (?:id|name)/i.test(message))
    return { scope: 'run', code: 'model_not_found' };
  // A file is not yet visible in the first moments after its upload (bespokelabsai/curator#116).
  if (status === 400 && /cannot find file/i.test(message)) return { scope: 'retry', code: 'file_not_found' };
  // Azure looks an upload through first; in which words it refuses until then is not verified.
  if ([400, 422].includes(status) && (code === 'file_not_ready' || fileNotReady.test(message)))
    return { scope: 'retry', code: 'file_not_ready' };
  // More tokens than the limit lets through in a minute: no wait makes room for it.
  if ([413, 429].includes(status) && /request too large/i.test(message))
    return { scope: 'row', code: 'request_too_large' };
  return { scope: scopeOfStatus(status) };
};
