/** The man pages, one for the program and one for each command, made of the flags as the reference is. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeCommands } from './flags.mjs';

/** Writes `loom.1`, `loom-run.1` and so on into a folder. */
export async function writeManPages(program, folder) {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of renderManPages(program)) await writeFile(join(folder, name), text);
}

export function renderManPages(program) {
  const commands = describeCommands(program);
  const pages = commands.map((command) => [`${pageName(command)}.1`, renderCommand(command)]);
  return [['loom.1', renderProgram(program.description(), commands)], ...pages];
}

/** `loom-cache-clear` */
function pageName({ name }) {
  return name.replaceAll(' ', '-');
}

function renderProgram(description, commands) {
  return lines(
    '.TH LOOM 1 "" loom\\-batch "User commands"',
    section('NAME', `loom \\- ${asLine(description)}`),
    section('SYNOPSIS', '.B loom', '.I command', '[options]'),
    section(
      'COMMANDS',
      ...commands.flatMap(({ name, description }) => item(bold(name), asLine(description))),
    ),
    section(
      'EXIT STATUS',
      ...item('0', 'Done; for fetch also when batches are still pending.'),
      ...item('1', 'It could not be done.'),
      ...item('2', 'Usage error, or token counting not available.'),
      ...item('3', 'Done and written, but some rows have no response.'),
    ),
    section('SEE ALSO', commands.map((command) => `${bold(pageName(command))}(1)`).join(', ')),
  );
}

function renderCommand({ name, usage, description, words, groups, examples }) {
  const title = pageName({ name });
  return lines(
    `.TH ${asLine(title.toUpperCase())} 1 "" loom\\-batch "User commands"`,
    section('NAME', `${asLine(title)} \\- ${asLine(description)}`),
    section('SYNOPSIS', bold(usage)),
    ...(words.length === 0
      ? []
      : [section('ARGUMENTS', ...words.flatMap((word) => item(bold(word.name), describe(word))))]),
    section(
      'OPTIONS',
      ...groups.flatMap(({ title, flags }) => [
        ...(groups.length === 1 ? [] : [`.SS ${asLine(title)}`]),
        ...flags.flatMap((flag) => item(nameFlag(flag), describe(flag))),
      ]),
    ),
    section('EXAMPLES', '.nf', ...examples.map(asLine), '.fi'),
    section('SEE ALSO', `${bold('loom')}(1)`),
  );
}

function nameFlag({ long, short, value }) {
  const names = [...(short ? [short] : []), long].map(bold).join(', ');
  return value === '' ? names : `${names} ${asText(value)}`;
}

function describe({ text, choices, fallback = '', isRequired = false }) {
  return asLine(
    [
      text,
      ...(choices.length === 0 ? [] : [`One of ${choices.join(', ')}.`]),
      ...(isRequired ? ['Required.'] : []),
      ...(fallback === '' ? [] : [`Default: ${fallback}.`]),
    ].join(' '),
  );
}

function section(title, ...text) {
  return lines(`.SH ${title}`, ...text);
}

function item(term, text) {
  return ['.TP', term, text];
}

function bold(text) {
  return `\\fB${asText(text)}\\fR`;
}

function lines(...texts) {
  return `${texts.map((text) => text.replace(/\n$/, '')).join('\n')}\n`;
}

/** A text of its own line, which must not begin as a request does. */
function asLine(text) {
  return asText(text).replace(/^(?=[.'])/, '\\&');
}

function asText(text) {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('’', "'").replaceAll('…', '...');
}
