/**
 * The fault suite: the built program, each command a process, the sandbox, and everything that can go wrong between
 * them. `--only <part of a name>` chooses scenarios, `--at 37after,12` stops them at these steps, `--stops <n>` says
 * how many stops each scenario gets, `--short` is the selection for every day, `--list` names what there is. `--part
 * 2/5` is the second of five shares of it, for as many processes; `--report <file>` keeps what one found, and `--sum`
 * adds up such files.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Report } from './report.mjs';
import { openSandboxHost } from './sandboxes.mjs';
import { choose, playSuite } from './suite.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    at: { type: 'string' },
    stops: { type: 'string', default: '8' },
    short: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    kind: { type: 'string' },
    part: { type: 'string', default: '1/1' },
    report: { type: 'string' },
    sum: { type: 'boolean', default: false },
  },
});

/** Says what was found; the suite has failed when something did, or nothing was tried. */
function end(report) {
  console.log(report.summarize());
  process.exit(report.failures.length > 0 || report.tried === 0 ? 1 : 0);
}

if (options.sum) {
  const sum = new Report();
  for (const path of positionals) sum.take(JSON.parse(await readFile(path, 'utf8')));
  end(sum);
}

if (options.list) {
  const { scenarios, cases } = choose(options);
  for (const { name } of [...scenarios, ...cases]) console.log(name);
  process.exit(0);
}

const report = await playSuite({ ...options, host: await openSandboxHost() });
if (options.report) await writeFile(options.report, JSON.stringify(report));
end(report);
