/** In place of the npm registry, which tests don't reach: an `npm` that installs `loom` as the world has it. */
import { join } from 'node:path';
import { type RecipeWorld, writeCommand } from './recipe-world.ts';

/**
 * Puts an `npm` on the PATH of this world, which takes the one command that the recipes use, and does what it does:
 * `npm install --global [--prefix <folder>] loom-batch@<version>`.
 */
export async function putNpm(world: RecipeWorld): Promise<void> {
  const installed = join(world.root, 'installed');
  await world.putLoom(installed);
  const script = `
[ "$1 $2" = 'install --global' ] || { echo "unexpected: npm $*" >&2; exit 1; }
shift 2
prefix='${world.root}/prefix' package=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=$2; shift ;;
    --no-audit | --no-fund) ;;
    loom-batch@*) package=$1 ;;
    *) echo "unexpected: $1" >&2; exit 1 ;;
  esac
  shift
done
[ -n "$package" ] || exit 1
mkdir -p "$prefix/bin" && cp '${installed}/loom' '${installed}/loom-batch' "$prefix/bin/"`;
  await writeCommand(join(world.commands, 'npm'), script);
}
