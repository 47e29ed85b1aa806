/**
 * Preloaded into a measured process (`node --import`): at its end it writes the most memory it ever had, in KiB, to the
 * file that LOOM_BENCH_PEAK_FILE names. On Linux the kernel's own mark for this program is read: `maxRSS` there also
 * counts what the process that started it had.
 */
import { readFileSync, writeFileSync } from 'node:fs';

process.once('exit', () => {
  const path = process.env.LOOM_BENCH_PEAK_FILE;
  if (path) writeFileSync(path, String(peakKibibytes()));
});

function peakKibibytes() {
  try {
    return Number(readFileSync('/proc/self/status', 'latin1').match(/^VmHWM:\s*(\d+) kB$/m)[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
