/** The Python tool of the same name, in a virtual environment that goes with the temporary folder. */
import { join } from 'node:path';
import { run } from './processes.mjs';

const version = '0.1.0';

/** The tool's own entry, telling its peak memory at its end as peak-memory.mjs does for ours. */
const measuredEntry = `
import atexit, os, re, resource, sys
def tell_peak():
    try:
        peak = re.search(r"^VmHWM:\\s*(\\d+) kB$", open("/proc/self/status").read(), re.M).group(1)
    except OSError:
        unit = 1024 if sys.platform == "darwin" else 1
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
    with open(os.environ["LOOM_BENCH_PEAK_FILE"], "w") as file:
        file.write(str(peak))
atexit.register(tell_peak)
from loom.main import app
sys.argv[0] = "loom"
app()
`;

/** The tool, or undefined where there is no python3 or no package index. */
export async function preparePython(workplace) {
  const place = await workplace.createPlace('python-tool', {}, { lasting: true });
  const folder = join(place.folder, 'venv');
  const bin = join(folder, process.platform === 'win32' ? 'Scripts' : 'bin');
  const python = join(bin, 'python');
  try {
    // pip is told by the caller's own environment and settings where packages come from.
    const asCaller = { folder: place.folder, environment: process.env };
    await run(['python3', '-m', 'venv', folder], asCaller);
    await run([python, '-m', 'pip', 'install', '--quiet', `loom-batch==${version}`], asCaller);
  } catch (error) {
    console.error(`The Python tool could not be installed: ${error.message}`);
    return undefined;
  }
  return {
    version,
    /** For start-up times: as it is installed, with nothing of ours. */
    command: [join(bin, 'loom')],
    /** Runs a measured command. Its output is wrapped at the terminal's width, which is made wide. */
    run: (place, ...args) =>
      run([python, '-c', measuredEntry, ...args], {
        ...place,
        environment: { ...place.environment, COLUMNS: '1000' },
      }),
  };
}
