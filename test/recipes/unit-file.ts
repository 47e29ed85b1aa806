/** Reads the unit files of systemd, and carries out a service's ExecStart as far as a test can. */

/** Section → key → its values, in their order. */
export type Unit = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** systemd.syntax(7), without continued lines. Throws at a line that is none. */
export function parseUnit(text: string): Unit {
  const unit: Record<string, Record<string, string[]>> = {};
  let section: Record<string, string[]> | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '' || /^[#;]/.test(line)) continue;
    const heading = /^\[(\w+)\]$/.exec(line)?.[1];
    const setting = /^(\w+)=(.*)$/.exec(line);
    if (heading) {
      section = {};
      unit[heading] = section;
    } else if (setting && section) {
      const [, key = '', value = ''] = setting;
      section[key] = [...(section[key] ?? []), value];
    } else throw new Error(`No line of a unit: ${line}`);
  }
  return unit;
}

/**
 * The arguments of a command line of a unit. Quotes keep words together, `${NAME}` is filled in wherever it stands, and
 * `$$` is a dollar sign.
 */
export function splitCommand(line: string, variables: Readonly<Record<string, string>>): string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
  return words.map((word) =>
    word.replaceAll(/\$\$|\$\{(\w+)\}/g, (dollars, name?: string) => {
      if (name === undefined) return '$';
      const value = variables[name];
      if (value === undefined) throw new Error(`${dollars} is not set.`);
      return value;
    }),
  );
}
