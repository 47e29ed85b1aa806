/** Which flags may have a default in a file, and what such a file may say: told by the flags themselves. */
import type { Command, Option } from 'commander';
import { nameCommand } from '../usage/usage-errors.ts';

/** A flag of one command, as a field of the file. */
export interface ConfigField {
  /** `maxTokens`, `noCache` */
  readonly name: string;
  readonly option: Option;
  /** `run`, `cache clear` */
  readonly section: string;
  readonly command: Command;
  /** Whether it may stand outside of a section, for this command. */
  readonly isShared: boolean;
}

/** Flags that must be said anew each time, and why. */
export const refusedFields: Readonly<Record<string, string>> = {
  apiKey:
    'A key has no place in a file that is shared: set the variable of the provider in the environment or in .env, or pass --api-key.',
  baseUrl:
    'The key goes where the address points, so the address belongs with the key: set the variable of the provider in the environment or in .env, or pass --base-url.',
  header:
    'Its value may be a key, which has no place in a file that is shared: set LOOM_HEADERS in the environment or in .env, or pass --header.',
  sandbox: "Made-up answers must not be taken for a model's: pass --sandbox.",
  force: 'Overwriting without asking must be said each time: pass --force.',
  again: 'Paying once more must be said each time: pass --again.',
  yes: 'Deleting without asking must be said each time: pass --yes.',
  partial: 'It is about this one time: pass --partial.',
  id: 'It is about one batch: pass --id.',
  format: 'It is about what stdin holds: pass --format.',
  batch: 'Write "sync": false.',
  noAll: 'It is about one batch: pass --id.',
  config: "A file of defaults can't name another one.",
  noConfig: 'Pass --no-config.',
  helpAll: 'It asks for help: pass --help-all.',
};

/** Paths of one command's files: for another command they would be wrong. */
const ownFields = ['file', 'output'];

/** What is asked of a model: for the commands that ask one. A report knows it from the run. */
const orderFields = [
  ...['col', 'prompt', 'messages', 'attach', 'rowId', 'limit', 'sample', 'sampleSeed'],
  ...['delimiter', 'quoting', 'padRows', 'encoding'],
  ...['on', 'answer', 'expect'],
];

/** Texts of which a file may have a list: their flags may be given again. */
export const repeatedTexts = ['stop', 'attach'];

/** Every field that a file may have, once for each command that has the flag. */
export function listFields(program: Command): ConfigField[] {
  const commands = leafCommands(program);
  const needed = new Set(commands.flatMap(({ options }) => options.filter(isNeeded).map(fieldName)));
  return commands.flatMap((command) =>
    command.options
      .filter((option) => !option.hidden && !Object.hasOwn(refusedFields, fieldName(option)))
      .map((option) => {
        const name = fieldName(option);
        // `provider` is what a run is for, and elsewhere may be what a list is cut down to.
        const isOfOrders = needed.has(name) || orderFields.includes(name);
        const isShared = !ownFields.includes(name) && (!isOfOrders || asksModel(command));
        return { name, option, command, section: nameSection(command), isShared };
      }),
  );
}

/** Commands that do something, told by having no commands of their own. */
export function leafCommands(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leafCommands);
}

export function nameSection(command: Command): string {
  return nameCommand(command).replace(/^loom /, '');
}

function asksModel({ options }: Command): boolean {
  return options.some((option) => isNeeded(option) && fieldName(option) === 'provider');
}

function isNeeded(option: Option): boolean {
  return option.mandatory;
}

/** `--max-tokens` → `maxTokens` */
function fieldName(option: Option): string {
  return camelCase((option.long ?? '').replace(/^--/, ''));
}

export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A JSON Schema of the file, for editors. */
export function describeConfig(program: Command): object {
  const fields = listFields(program);
  const sections = leafCommands(program).map(nameSection);
  const inSection = (name: string) => fields.filter(({ section }) => section === name);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Defaults for the flags of loom',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      ...describeFields(fields.filter(({ isShared }) => isShared)),
      ...Object.fromEntries(
        sections
          .filter((name) => inSection(name).length > 0)
          .map((name) => [
            name,
            {
              description: `Defaults of loom ${name} alone.`,
              type: 'object',
              properties: describeFields(inSection(name)),
              additionalProperties: false,
            },
          ]),
      ),
    },
    additionalProperties: false,
  };
}

/** Each under both of its names. */
function describeFields(fields: readonly ConfigField[]): object {
  const entries = fields.flatMap(({ name, option }) => {
    const schema = { description: option.description, ...describeValue(option) };
    const names = new Set([name, (option.long ?? '').slice(2)]);
    return [...names].map((each) => [each, schema]);
  });
  return Object.fromEntries(entries);
}

function describeValue(option: Option): object {
  if (!option.required) return { type: 'boolean' };
  if (option.argChoices) return { enum: option.argChoices };
  if (option.long === '--param') return { type: 'object' };
  if (repeatedTexts.includes(fieldName(option)))
    return { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
  if (!takes(option, '1')) return { type: 'string' };
  return { type: takes(option, '1m') ? ['string', 'number'] : 'number' };
}

/** Whether the flag reads this as a number. */
function takes({ parseArg }: Option, text: string): boolean {
  try {
    return typeof parseArg?.(text, undefined) === 'number';
  } catch {
    return false;
  }
}
