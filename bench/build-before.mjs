/**
 * The build before: the program as it was at an earlier commit, to be measured beside today's in the same run.
 *
 * A section gets it as `before` in its context, or undefined where it was not asked for or could not be built. It takes
 * turns with the own program: `runLoom(place, ...args)` runs ours, `before.run(place, ...args)` runs the other, with the
 * same result; `before.command` is the same as first words of a command line, as `loom` is ours, and `before.folder` the
 * project at that commit, built. The seconds go into a row of `tableOfTimes(title, rows, { before })`, as `before:
 * seconds`, with `target: { ofBefore: 0.6 }` for "at most 0.6 × the build before". The sandbox is ours for both.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from './processes.mjs';
import { measuredProgram } from './workplace.mjs';

const project = resolve(import.meta.dirname, '..');

/** Builds a commit of this repository in a folder that goes with the benchmark; a folder is taken as it is, built. */
export async function prepareBefore(workplace, name) {
  const isFolder = existsSync(name) && statSync(name).isDirectory();
  try {
    const folder = isFolder ? resolve(name) : await buildCommit(workplace, name);
    const entry = join(folder, 'dist', 'loom.js');
    if (!existsSync(entry)) throw new Error(`${entry} is not there.`);
    return {
      name: isFolder ? 'the build in the folder that was named' : `commit ${name}`,
      folder,
      command: [process.execPath, entry],
      run: (place, ...args) => run([...measuredProgram(entry), ...args], place),
    };
  } catch (error) {
    console.error(`The build before could not be made: ${error.message}`);
    return undefined;
  }
}

/** No worktree of git's: the repository knows nothing of it, however the benchmark ends. */
async function buildCommit(workplace, commit) {
  const place = await workplace.createPlace('build-before', {}, { lasting: true });
  const folder = join(place.folder, 'project');
  const archive = join(place.folder, 'project.tar');
  await mkdir(folder);
  // npm is told by the caller's own environment and settings where packages come from.
  const asCaller = (place) => ({ folder: place, environment: process.env });
  await run(['git', 'archive', '--output', archive, commit], asCaller(project));
  await run(['tar', '-xf', archive, '-C', folder], asCaller(place.folder));
  await run(['npm', 'ci', '--silent', '--no-audit', '--no-fund'], asCaller(folder));
  await run(['npm', 'run', '--silent', 'build'], asCaller(folder));
  return folder;
}
