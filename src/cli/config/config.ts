/** Defaults of flags from a file: flags win, then variables, then the file. */
import { dirname, resolve } from 'node:path';
import type { Command, Option } from 'commander';
import { variablesOf } from '../../api/options/reach.ts';
import { LoomError } from '../../core/errors.ts';
import { findFault, isDeepValue, mostLevels } from '../../core/nesting.ts';
import type { CommandContext, Doubt } from '../options/options.ts';
import { namesOutputFormat } from '../terminal/voice.ts';
import { proposeFrom } from '../usage/usage-errors.ts';
import {
  type ConfigField,
  camelCase,
  leafCommands,
  listFields,
  nameSection,
  refusedFields,
  repeatedTexts,
} from './config-fields.ts';
import type { ConfigFile } from './config-file.ts';
import { doubtPath } from './config-trust.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A value that a file gives to a flag. */
interface Default {
  readonly option: Option;
  readonly value: unknown;
}

/** Names of files. `@` before a text makes it one too. */
const pathFields = ['file', 'output', 'schema', 'fewShot', 'faults', 'cacheDir'];
const textFields = ['prompt', 'system', 'fields'];
/** How a command waits: of use only where it does. */
const waitFields = ['interval', 'timeout'];

/**
 * Gives the flags of every command the defaults of a file, which is checked whole. LoomError `usage` names the file and
 * the field that is wrong.
 */
export function setDefaults(program: Command, file: ConfigFile, context: CommandContext): void {
  const fields = readFields(file);
  if (!fields) return;
  context.configPath = file.path;
  const known = listFields(program);
  const sections = leafCommands(program).map(nameSection);
  checkNames(fields, known, sections, file.path);
  for (const command of leafCommands(program)) {
    const own = known.filter((field) => field.command === command);
    const section = fields[nameSection(command)];
    const ofSection = isObject(section)
      ? readDefaults(section, own, file.path, `${nameSection(command)}.`)
      : [];
    const shared = own.filter(({ isShared }) => isShared);
    const ofAll = readDefaults(fields, shared, file.path, '').filter(
      ({ option }) =>
        !ofSection.some((nearer) => nearer.option === option || excludes(nearer.option, option)),
    );
    giveDefaults(command, [...ofSection, ...ofAll], file.project, context);
  }
}

/** Undefined for a package.json without a field `loom`. */
function readFields({ path, text, isPackage }: ConfigFile): Fields | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new LoomError('usage', `${path} is not JSON: something is wrong ${findFault(text)}.`, {
      hint: 'Mend it, or pass --no-config.',
      cause: error,
    });
  }
  const fields = isPackage ? (value as { loom?: unknown }).loom : value;
  if (isPackage && fields === undefined) return undefined;
  if (isDeepValue(fields)) {
    throw new LoomError('usage', `${path} is nested more than ${mostLevels} levels deep.`, {
      hint: 'It looks like {"provider": "openai", "run": {"workers": 16}}.',
    });
  }
  if (isObject(fields)) return fields;
  throw new LoomError('usage', `${isPackage ? `the field loom of ${path}` : path} is not a JSON object.`, {
    hint: 'It looks like {"provider": "openai", "run": {"workers": 16}}.',
  });
}

function checkNames(fields: Fields, known: readonly ConfigField[], sections: string[], path: string): void {
  const shared = known.filter(({ isShared }) => isShared);
  for (const [name, value] of Object.entries(fields)) {
    if (name === '$schema') continue;
    if (sections.includes(name) && isObject(value)) {
      const own = known.filter(({ section }) => section === name);
      for (const field of Object.keys(value)) checkName(field, own, [], path, `${name}.`);
    } else {
      const ofOne = known.find((field) => field.name === camelCase(name));
      if (ofOne && !shared.some((field) => field.name === ofOne.name)) {
        const hint = `Write it as {"${ofOne.section}": {"${name}": …}}.`;
        throw wrongField(path, `${name} belongs to one command.`, hint);
      }
      checkName(name, shared, sections, path, '');
    }
  }
}

function checkName(
  name: string,
  known: readonly ConfigField[],
  sections: readonly string[],
  path: string,
  prefix: string,
): void {
  // An object knows names that nobody gave it, such as __proto__.
  if (Object.hasOwn(refusedFields, camelCase(name))) {
    throw wrongField(path, `${prefix}${name} can't have a default.`, refusedFields[camelCase(name)]);
  }
  const names = [...new Set(known.map((field) => field.name))];
  if (names.includes(camelCase(name))) return;
  const usual = 'Fields are flags without their dashes; see loom run --help.';
  const hint = proposeFrom(name, [...names, ...sections], usual);
  throw wrongField(path, `unknown field ${prefix}${name}.`, hint);
}

function wrongField(path: string, what: string, hint?: string): LoomError {
  return new LoomError('usage', `${path}: ${what}`, hint === undefined ? {} : { hint });
}

function readDefaults(
  fields: Fields,
  known: readonly ConfigField[],
  path: string,
  prefix: string,
): Default[] {
  const defaults: Default[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const field = known.find((candidate) => candidate.name === camelCase(name));
    if (!field) continue;
    const read = readValue(field, value, path, `${prefix}${name}`);
    const rival = defaults.find(({ option }) => option === field.option || excludes(option, field.option));
    if (rival) {
      const what = `${prefix}${name} can't stand beside ${rival.option.long?.slice(2)}.`;
      throw wrongField(path, what, 'Leave one of them out.');
    }
    if (read !== undefined) defaults.push({ option: field.option, value: read });
  }
  return defaults;
}

/** Undefined where nothing is set: a switch that is off. */
function readValue({ name, option }: ConfigField, value: unknown, path: string, label: string): unknown {
  const refuse = (reason: string): never => {
    throw wrongField(path, `${label} is ${JSON.stringify(value)}. ${reason}`);
  };
  if (!option.required) {
    if (typeof value !== 'boolean') refuse('It must be true or false.');
    if (option.negate) return value ? false : undefined;
    return value;
  }
  try {
    return parseWords(option, wordsOf(name, value, dirname(path)) ?? refuse(`It must be ${kindOf(name)}.`));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const closest = proposeFrom(String(value), option.argChoices ?? [], '');
    return refuse(`${error.message} ${closest}`.trim());
  }
}

function kindOf(name: string): string {
  if (name === 'param') return 'an object of fields';
  return repeatedTexts.includes(name) ? 'a text, or a list of texts' : 'a text or a number';
}

/** commander itself is not loaded for its class: it would no longer be one file with the program. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'commander.invalidArgument';
}

/** What would stand behind the flag, each time it is given. Undefined for a value that no flag could have. */
function wordsOf(name: string, value: unknown, folder: string): string[] | undefined {
  if (name === 'param') {
    if (!isObject(value)) return undefined;
    return Object.entries(value).map(([key, part]) => `${key}=${JSON.stringify(part)}`);
  }
  const values = repeatedTexts.includes(name) && Array.isArray(value) ? value : [value];
  if (!values.every((one) => typeof one === 'string' || typeof one === 'number')) return undefined;
  return values.map((one) => locate(name, String(one), folder));
}

/** Paths are taken from the folder of the file. */
function locate(name: string, text: string, folder: string): string {
  if (textFields.includes(name))
    return text.replace(/^@(?!@)(.+)$/s, (_, path) => `@${resolve(folder, path)}`);
  return pathFields.includes(name) && text !== '-' && !text.startsWith('~') && text.trim() !== ''
    ? resolve(folder, text)
    : text;
}

function parseWords(option: Option, words: readonly string[]): unknown {
  const { parseArg } = option;
  if (!parseArg) return words[0];
  return words.reduce<unknown>((previous, word) => parseArg(word, previous), undefined);
}

/** The defaults go in when the command line is read, and before it is checked for what it needs. */
function giveDefaults(
  command: Command,
  defaults: readonly Default[],
  project: string | undefined,
  context: CommandContext,
): void {
  const parseOptions = command.parseOptions.bind(command);
  const isJson = defaults.some(({ option, value }) => isOutputFormat(option) && value === 'json');
  command.parseOptions = (args) => {
    // Ahead of what may be wrong with the arguments, which is then told as JSON.
    if (isJson && !namesOutputFormat(args)) context.voice.json = true;
    const parsed = parseOptions(args);
    const given = command.options.filter(
      (option) => command.getOptionValueSource(option.attributeName()) === 'cli',
    );
    const doubts: Doubt[] = [];
    for (const { option, value } of defaults) {
      const name = option.attributeName();
      if (given.some((flag) => flag.attributeName() === name || excludes(flag, option))) continue;
      if (name === 'cacheDir' && hasCacheVariable(context)) continue;
      const doubt = project === undefined ? undefined : doubtDefault(option, value, project);
      if (doubt) doubts.push(doubt);
      if (name === 'cacheDir') setCacheVariable(String(value), context);
      else command.setOptionValueWithSource(name, value, 'config');
    }
    if (!waits(command)) takeBack(command, waitFields);
    context.doubts = doubts;
    return parsed;
  };
}

/** What there is to doubt about a value that names a file, or a text that lies in one. */
function doubtDefault(option: Option, value: unknown, project: string): Doubt | undefined {
  const name = option.attributeName();
  if (name === 'attach') return doubtTemplates(option, value as readonly string[], project);
  const path = textFields.includes(name) ? /^@(?!@)(.+)$/s.exec(String(value))?.[1] : String(value);
  if (path === undefined || path === '-' || ![...textFields, ...pathFields].includes(name)) return undefined;
  return doubtPath(option.long ?? name, path, project);
}

/** Templates name files, which would go to a provider; columns have their names from the input. */
function doubtTemplates(option: Option, values: readonly string[], project: string): Doubt | undefined {
  const templates = values.filter((text) => text.includes('{{') && !/^(?:https?|data):/i.test(text));
  const doubts = templates.map((path) => doubtPath(option.long ?? '', resolve(project, path), project));
  return doubts.find((doubt) => doubt !== undefined);
}

function isOutputFormat(option: Option): boolean {
  return option.attributeName() === 'outputFormat';
}

function waits(command: Command): boolean {
  const { wait, sync } = command.opts<{ wait?: boolean; sync?: boolean }>();
  return Boolean(wait && !sync);
}

/** What nobody said on the command line is no mistake there. */
function takeBack(command: Command, names: readonly string[]): void {
  for (const name of names) {
    if (command.getOptionValueSource(name) === 'config') command.setOptionValue(name, undefined);
  }
}

/** The folder of the cache yields to the variable, and to what a batch remembers: it stands in for the variable. */
function setCacheVariable(folder: string, context: CommandContext): void {
  context.environment = { ...context.environment, LOOM_CACHE_DIR: folder };
}

function hasCacheVariable({ environment, workingFolder }: CommandContext): boolean {
  return Boolean(variablesOf({ environment, workingFolder, dotenv: true }).LOOM_CACHE_DIR);
}

/** Whether two flags of a command can't be given together. */
function excludes(one: Option, other: Option): boolean {
  return conflictsOf(one).includes(other.attributeName()) || conflictsOf(other).includes(one.attributeName());
}

/** commander keeps them without telling its types. */
function conflictsOf(option: Option): readonly string[] {
  return (option as Option & { readonly conflictsWith?: readonly string[] }).conflictsWith ?? [];
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
