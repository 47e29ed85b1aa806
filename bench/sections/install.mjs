/** What a user fetches and has on the disk, and how long it takes from nothing. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../processes.mjs';
import { formatRatio, formatSeconds, median, verdict } from '../report.mjs';
import { remove } from '../workplace.mjs';

const project = resolve(import.meta.dirname, '../..');
const most = { megabytes: 10, packages: 1, ofBefore: 0.25 };

export async function measureInstall({ workplace, before, sizes }) {
  const place = await workplace.createPlace('install');
  const ours = { archive: await pack(project, place, 'ours'), seconds: [] };
  const theirs = before && { archive: await pack(before.folder, place, 'before'), seconds: [] };
  const builds = [ours, theirs].filter(Boolean);
  for (const build of builds) Object.assign(build, await measureSize(place, build.archive));
  for (let turn = 0; turn < sizes.installs; turn++)
    for (const build of builds) build.seconds.push(await install(place, build.archive));
  return {
    title: 'Installation',
    columns: ['what', 'ours', ...(theirs ? ['build before', 'ours / before'] : []), 'target', 'met'],
    rows: [
      row('packed', (build) => build.packedMegabytes, formatSize),
      row(
        'installed',
        (build) => build.megabytes,
        formatSize,
        `≤ ${most.megabytes} MB`,
        ours.megabytes <= most.megabytes,
      ),
      row('packages', (build) => build.packages, String, `${most.packages}`, ours.packages === most.packages),
      ...(sizes.installs > 0 ? [timeRow()] : []),
    ],
    notes: [
      `npm install of the packed file in an empty folder, with an empty cache of npm's; medians of ${sizes.installs} in turns. What else the package needs comes from the registry.`,
    ],
  };

  function row(what, pick, format, target = '', met = undefined) {
    const beside = theirs ? [format(pick(theirs)), formatRatio(pick(ours) / pick(theirs))] : [];
    return [what, format(pick(ours)), ...beside, target, met === undefined ? '' : verdict(met)];
  }

  function timeRow() {
    const pick = ({ seconds }) => median(seconds);
    const isFast = theirs && pick(ours) / pick(theirs) <= most.ofBefore;
    return row(
      'npm install, cold',
      pick,
      formatSeconds,
      `≤ ${formatRatio(most.ofBefore)} the build before`,
      isFast,
    );
  }
}

async function pack(folder, place, name) {
  const target = join(place.folder, name);
  await mkdir(target);
  // It is built already.
  const flags = ['--silent', '--ignore-scripts', '--pack-destination', target];
  await run(['npm', 'pack', ...flags], { folder, environment: process.env });
  const [archive] = await readdir(target);
  return join(target, archive);
}

/** Seconds that npm takes with nothing in its cache. The caller's own settings tell it where packages come from. */
async function install(place, archive, keep = false) {
  const folder = join(place.folder, 'project');
  const cache = join(place.folder, 'npm-cache');
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const environment = { ...process.env, npm_config_cache: cache };
  const flags = ['--silent', '--no-audit', '--no-fund'];
  const { seconds } = await run(['npm', 'install', ...flags, archive], { folder, environment });
  await remove(cache);
  if (!keep) await remove(folder);
  return seconds;
}

async function measureSize(place, archive) {
  await install(place, archive, true);
  const folder = join(place.folder, 'project');
  const entries = await readdir(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const packages = files.filter((path) =>
    /node_modules[\\/](@[^\\/]+[\\/])?[^\\/@]+[\\/]package\.json$/.test(path),
  );
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  await remove(folder);
  return {
    packages: packages.length,
    megabytes: sizes.reduce((sum, size) => sum + size, 0) / 1e6,
    packedMegabytes: (await stat(archive)).size / 1e6,
  };
}

function formatSize(megabytes) {
  return `${megabytes.toFixed(1)} MB`;
}
