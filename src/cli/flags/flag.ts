/** Flags, in groups as the help shows them. */
import { type Command, Option } from 'commander';

/** A flag that few need: the help of a command with many flags leaves it to `--help-all`. */
export class RareOption extends Option {}

type Parse<Value> = (text: string, before: Value) => Value;

/** A flag whose value `parse` reads; without it a switch, or one that takes any text. */
export function flag<Value>(flags: string, description: string, parse?: Parse<Value>): Option {
  return withParser(new Option(flags, description), parse);
}

export function rareFlag<Value>(flags: string, description: string, parse?: Parse<Value>): Option {
  return withParser(new RareOption(flags, description), parse);
}

function withParser<Value>(option: Option, parse: Parse<Value> | undefined): Option {
  return parse ? option.argParser(parse) : option;
}

export function addFlags(command: Command, group: string, flags: readonly Option[]): Command {
  command.optionsGroup(group);
  for (const one of flags) command.addOption(one);
  return command;
}
