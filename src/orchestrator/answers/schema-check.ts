/** Checks values against a JSON Schema of any draft, as their authors mean it. */
import type { ErrorObject, Options } from 'ajv';
import { LoomError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/models.ts';
import { plainSchema } from '../../providers/json-schema.ts';

/** Why a value does not fit; undefined when it does. */
export type FindMisfit = (value: unknown) => string | undefined;

type Draft = '7' | '2019' | '2020';

/** LoomError `input` when the schema is none in any draft that it may be of. */
export async function openSchemaCheck(schema: JsonObject): Promise<FindMisfit> {
  const [first, ...others] = draftsOf(schema);
  try {
    return await compileSchema(schema, first);
  } catch (error) {
    for (const draft of others) {
      const check = await compileSchema(schema, draft).catch(() => undefined);
      if (check) return check;
    }
    const reason = (error as Error).message;
    throw new LoomError('input', `settings.schema is not a valid JSON Schema: ${reason}.`, {
      code: 'schema_invalid',
      facts: { reason },
      hint: 'Mend it; nothing was sent.',
      cause: error,
    });
  }
}

/** The draft that a schema names; where it names none that is known, the newest, and what lists of `items` meant before. */
function draftsOf({ $schema }: JsonObject): [Draft, ...Draft[]] {
  if (typeof $schema === 'string' && /draft-0\d/.test($schema)) return ['7'];
  return typeof $schema === 'string' && /2019-09/.test($schema) ? ['2019'] : ['2020', '7'];
}

async function compileSchema(schema: JsonObject, draft: Draft): Promise<FindMisfit> {
  const { default: ajv } = await openDraft(draft);
  const checker = new ajv.default(options);
  checker.removeKeyword('multipleOf');
  checker.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    validate: (factor: number, value: number) => isMultiple(value, factor),
    error: { message: ({ schemaCode }) => `must be multiple of ${schemaCode}` },
  });
  const validate = checker.compile(plainSchema(schema));
  return (value) => {
    if (validate(value)) return undefined;
    const [first]: ErrorObject[] = validate.errors ?? [];
    return `${first?.instancePath || 'it'} ${first?.message}`;
  };
}

/** Loaded only for this: it takes as long as an SDK. */
function openDraft(draft: Draft) {
  if (draft === '7') return import('ajv');
  return draft === '2019' ? import('ajv/dist/2019.js') : import('ajv/dist/2020.js');
}

const options: Options = {
  // Keywords and formats that no draft knows are notes to the model.
  strict: false,
  validateFormats: false,
  logger: false,
  code: { regExp: Object.assign(compilePattern, { code: 'new RegExp' }) },
};

/** A pattern as the drafts want it, and else as ECMA-262 reads one without `u`: `\-` is a hyphen there. */
function compilePattern(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch (error) {
    try {
      return new RegExp(pattern, flags.replace('u', ''));
    } catch {
      throw error;
    }
  }
}

/** By their digits, as people write them: 4.35 is 435 times 0.01, whatever a binary division makes of it. */
function isMultiple(value: number, factor: number): boolean {
  const [dividend, divisor] = [readDecimal(value), readDecimal(factor)];
  if (!dividend || !divisor || divisor.digits === 0n) return false;
  const exponent = Math.min(dividend.exponent, divisor.exponent);
  const scale = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent);
  return scale(dividend) % scale(divisor) === 0n;
}

/** digits × 10^exponent */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** The shortest text of a number, which is the one that was read if that had up to 15 digits. */
function readDecimal(number: number): Decimal | undefined {
  const [, sign, whole, fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([-+]\d+))?$/.exec(String(number)) ?? [];
  if (whole === undefined) return undefined;
  return { digits: BigInt(`${sign}${whole}${fraction}`), exponent: Number(power) - fraction.length };
}
