/** Paths that can be clicked, in terminals that know how (OSC 8); elsewhere the same text without. */
import { hostname } from 'node:os';
import { pathToFileURL } from 'node:url';
import { createSupportsHyperlinks } from 'supports-hyperlinks';
import { cleanLine, MarkedLine } from './lines.ts';

/** The line, with the path in it as a link where the stream shows links. */
export function linkPath(
  line: string,
  path: string,
  stream: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
): string | MarkedLine {
  if (!showsLinks(stream, environment)) return line;
  const url = pathToFileURL(path);
  // Without the host a terminal would look for the file of another machine on its own.
  if (process.platform !== 'win32') url.hostname = hostname();
  const shown = cleanLine(path);
  return new MarkedLine(
    cleanLine(line).replace(shown, () => `\x1b]8;;${url.href}\x1b\\${shown}\x1b]8;;\x1b\\`),
  );
}

function showsLinks(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): boolean {
  const { FORCE_HYPERLINK, NO_COLOR, CI } = environment;
  if (!FORCE_HYPERLINK && (!stream.isTTY || NO_COLOR || CI)) return false;
  return createSupportsHyperlinks(stream);
}
