/** `loom doctor`: whether this machine is fit for a run, a line for each thing that was looked at. */
import { doctor, type Finding } from '../../api/doctor/doctor.ts';
import type { DoctorDocument } from '../../core/documents/documents.ts';
import type { CommandContext, DoctorOptions } from '../options/options.ts';
import { placeOf } from '../options/reach.ts';
import { cleanLine, MarkedLine } from '../terminal/lines.ts';

const colours = { ok: 'green', absent: undefined, wrong: 'red' } as const;
const words = { ok: 'ok', absent: '-', wrong: 'wrong' } as const;
const [wordWidth, nameWidth] = [7, 12];

export async function examine(options: DoctorOptions, context: CommandContext): Promise<number> {
  const { provider, apiKey, baseUrl } = options;
  const { terminal, configPath } = context;
  const document = context.document.begin<DoctorDocument>({ command: 'doctor', findings: [] });
  const show = ({ about, state, told, provider: of }: Finding | ConfigFinding) => {
    const word = terminal.paint(colours[state], words[state]) + ' '.repeat(wordWidth - words[state].length);
    const name = (about === 'key' && of ? of : about).padEnd(nameWidth);
    terminal.printSentence(
      new MarkedLine(`${word}${name}${cleanLine(of && about !== 'key' ? `${of}: ${told}` : told)}`),
      wordWidth + nameWidth,
    );
  };
  const keyless: string[] = [];
  const tell = (finding: Finding | ConfigFinding) => {
    const { about, state, told, provider: of } = finding;
    document.findings.push({ about, state, message: told, provider: of ?? null });
    if (about === 'key' && state === 'absent' && of) keyless.push(of);
    else show(finding);
  };
  // Told ahead of the first finding, and not at once: flags that make no sense end in their error alone.
  const waiting = [findConfig(configPath)];
  const onFinding = (finding: Finding) => [...waiting.splice(0), finding].forEach(tell);
  const findings = await doctor({ ...placeOf(options, context), provider, apiKey, baseUrl, onFinding });
  if (keyless.length > 0) show({ about: 'key', state: 'absent', told: `none of ${nameSome(keyless)}` });
  return findings.some(({ state }) => state === 'wrong') ? 1 : 0;
}

const mostNamed = 5;

/** `loom keys list` has the whole list. */
function nameSome(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return more > 1 ? `${names.slice(0, mostNamed).join(', ')} and ${more} others` : names.join(', ');
}

/** A file of defaults that is wrong ends the command before it begins. */
type ConfigFinding = Omit<Finding, 'about'> & { readonly about: 'config' };

function findConfig(path: string | undefined): ConfigFinding {
  if (path === undefined) return { about: 'config', state: 'absent', told: 'no file of defaults' };
  return { about: 'config', state: 'ok', told: path };
}
