/** Every command and its flags, read off the program itself: what the reference and the man pages are made of. */
import { importSource } from './sources.mjs';

/** The commander program of the sources, which runs nothing. */
export async function openProgram() {
  const { createProgram } = await importSource('src/cli/program.ts');
  return createProgram({}, { version: '' }, () => {});
}

/** What there is to know of each command that does something, in the order of the help. */
export function describeCommands(program) {
  return leavesOf(program).map((command) => ({
    name: nameOf(command),
    usage: `${nameOf(command)} ${command.usage()}`,
    description: command.description(),
    words: command.registeredArguments.map((argument) => ({
      name: argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
      text: argument.description,
      choices: argument.argChoices ?? [],
    })),
    groups: groupsOf(command),
    examples: examplesOf(command),
  }));
}

function leavesOf(command) {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function nameOf(command) {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

/** Flags by their groups in the help. */
function groupsOf(command) {
  const groups = new Map();
  for (const option of command.createHelp().visibleOptions(command)) {
    const title = (option.helpGroupHeading ?? 'Options:').replace(/:$/, '');
    groups.set(title, [...(groups.get(title) ?? []), describeFlag(option)]);
  }
  return [...groups].map(([title, flags]) => ({ title, flags }));
}

/** A default stands in the description, where it is words, or beside it. */
function describeFlag({ long, short, flags, description, mandatory, defaultValue, argChoices }) {
  const [, before, told, after] = /^(.*?) ?\(default(?:: ([^)]*))?\)(.*)$/s.exec(description) ?? [];
  const isSwitch = typeof defaultValue === 'boolean';
  return {
    long,
    short,
    value: /[<[].*$/.exec(flags)?.[0] ?? '',
    text:
      before === undefined
        ? description
        : `${before}${after}`.replace(/([^.])$/, '$1.').replace(/\.\.$/, '.'),
    isRequired: mandatory,
    fallback: told ?? (defaultValue === undefined || isSwitch ? '' : String(defaultValue)),
    choices: argChoices ?? [],
  };
}

/** The lines of the help's examples. */
function examplesOf(command) {
  let text = '';
  command.emit('afterHelp', {
    error: false,
    command,
    write: (more) => {
      text += more;
    },
  });
  return [...text.matchAll(/^ {2}(loom .*)$/gm)].map(([, line]) => line);
}
