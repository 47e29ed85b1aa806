/**
 * The help of a command. Where it has many flags, `--help` shows those that most need and says how many there are beside
 * them; `--help-all` shows every one, and is taken wherever `--help` is. Which is which stands where the flag is defined.
 * No line of a help is longer than 80 columns.
 */
import { type Command, Help, Option } from 'commander';
import { RareOption } from './flags/flag.ts';
import { nameCommand } from './usage/usage-errors.ts';

const helpWord = 'help';
const helpAllFlag = '--help-all';

/** A command with no more flags than these shows all of them. */
const fewFlags = 20;

const whole = { optionDescription: describeOption };
const short = { ...whole, formatHelp: formatShortHelp };

export function shapeHelp(command: Command): void {
  const isLeaf = command.commands.length === 0;
  const group = isLeaf ? 'General:' : 'Options:';
  const help = isLeaf ? Option : GroupHelpOption;
  command
    .addHelpOption(new help('-h, --help', 'Show this help (also -?).').helpGroup(group))
    .helpCommand(false)
    .configureHelp(short);
  if (isLeaf && command.name() !== helpWord) addHelpAll(command);
}

/** A group of commands has no flags beside the few that it shows. A flag of its own would be taken from its commands. */
class GroupHelpOption extends Option {
  /** By which commander tells the words that ask for help, though its types leave it out. */
  is(word: string): boolean {
    return [this.short, this.long, helpAllFlag].includes(word);
  }
}

/** `loom help run` is `loom run --help`, and `loom help run --help-all` is `loom run --help-all`. */
export function addHelp(program: Command): Command {
  const help = program.command(helpWord);
  return help
    .description('Show the help of a command.')
    .argument('[command...]', 'The command; without one, loom itself.')
    .addHelpText('after', '\nExamples:\n  loom help run\n  loom help cache clear')
    .addOption(new Option(helpAllFlag, 'Show every flag of the command.').helpGroup('General:'))
    .action((names: readonly string[], { helpAll }: { readonly helpAll?: boolean }) => {
      if (!helpAll) return findCommand(program, names).help();
      // Without a command `--help-all` is about `loom help` itself, as `--help` is.
      return showAll(names.length === 0 ? help : findCommand(program, names));
    });
}

function findCommand(parent: Command, [name, ...rest]: readonly string[]): Command {
  if (name === undefined) return parent;
  const found = parent.commands.find((command) => command.name() === name);
  return found ? findCommand(found, rest) : parent.error(`error: unknown command '${name}'`);
}

/** It is shown where it tells more. */
function addHelpAll(command: Command): void {
  const flag = new Option(helpAllFlag, 'Show every flag.').helpGroup('General:');
  command.addOption(flag.hideHelp(pickUsual(command, command.options).length === command.options.length));
  command.on('option:help-all', () => showAll(command));
}

function showAll(command: Command): never {
  return command.configureHelp(whole).help();
}

function pickUsual(command: Command, options: readonly Option[]): Option[] {
  const isShort = command.options.filter(({ hidden }) => !hidden).length > fewFlags;
  return options.filter((option) => !isShort || !(option instanceof RareOption));
}

function formatShortHelp(command: Command, help: Help): string {
  const all = help.visibleOptions(command);
  const usual = pickUsual(command, all);
  help.visibleOptions = () => usual;
  const text = Help.prototype.formatHelp.call(help, command, help);
  const left = all.length - usual.length;
  return left === 0 ? text : `${text}\n${left} more flags: ${nameCommand(command)} --help-all\n`;
}

/** The description with its default; a switch needs none. */
function describeOption({ description, defaultValue, argChoices }: Option): string {
  const notes: string[] = [];
  if (argChoices) notes.push(`one of: ${argChoices.join(', ')}`);
  if (defaultValue !== undefined && typeof defaultValue !== 'boolean') notes.push(`default: ${defaultValue}`);
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}
