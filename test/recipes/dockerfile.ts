/**
 * Carries out a Dockerfile in folders of a test, where there is no docker: each stage is a folder, and an absolute path
 * lies in the folder of its stage. What a command reaches through PATH is this machine's. An instruction that is not
 * known is an error.
 */
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecipeWorld, RunOptions } from './recipe-world.ts';

export interface Image {
  /** Words of the command line, with the paths that they have here. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** Where it starts, as whom, and its variables. */
  readonly options: RunOptions;
  /** `node` in the image. */
  readonly user: string;
  readonly volumes: readonly string[];
  /** Where a path of the image is here. */
  locate(path: string): string;
}

export interface Builder {
  /** Who `node` is here, by number. */
  readonly uid: number;
  readonly gid: number;
  /** Whether the test may become somebody else. */
  readonly canSwitch: boolean;
}

/** Instructions with their arguments; lines that go on are joined. */
export function parseDockerfile(text: string): [instruction: string, rest: string][] {
  return text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, instruction = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return [instruction, rest];
    });
}

export async function buildImage(world: RecipeWorld, text: string, builder: Builder): Promise<Image> {
  const folders = new Map<string, string>();
  let stage = new Stage(world, builder, '');
  for (const [instruction, rest] of parseDockerfile(text)) {
    if (instruction === 'FROM') {
      const [, name = 'last'] = /AS (\S+)$/.exec(rest) ?? [];
      stage = new Stage(world, builder, join(world.root, 'image', name));
      folders.set(name, stage.folder);
      await mkdir(stage.folder, { recursive: true });
    } else if (instruction === 'COPY') {
      const [, from = '', source = '', target = ''] = /^--from=(\S+) (\S+) (\S+)$/.exec(rest) ?? [];
      await cp(join(folders.get(from) as string, source), stage.locate(target), { recursive: true });
    } else await stage.apply(instruction, rest);
  }
  return stage.finish();
}

class Stage {
  readonly #world: RecipeWorld;
  readonly #builder: Builder;
  readonly folder: string;
  readonly #variables: Record<string, string>;
  readonly #volumes: string[] = [];
  #entrypoint: string[] = [];
  #command: string[] = [];
  #workingFolder = '/';
  #user = 'root';

  constructor(world: RecipeWorld, builder: Builder, folder: string) {
    this.#world = world;
    this.#builder = builder;
    this.folder = folder;
    this.#variables = { PATH: `${world.commands}:/usr/bin:/bin`, HOME: join(folder, 'root') };
  }

  locate(path: string): string {
    return join(this.folder, path);
  }

  async apply(instruction: string, rest: string): Promise<void> {
    if (instruction === 'RUN') return this.#run(rest);
    if (instruction === 'ARG' || instruction === 'ENV') {
      for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S*)/g))
        this.#variables[name] = this.#fill(value);
    } else if (instruction === 'USER') this.#user = rest;
    else if (instruction === 'VOLUME') this.#volumes.push(rest);
    else if (instruction === 'WORKDIR') this.#workingFolder = rest;
    else if (instruction === 'ENTRYPOINT') this.#entrypoint = JSON.parse(rest) as string[];
    else if (instruction === 'CMD') this.#command = JSON.parse(rest) as string[];
    else throw new Error(`No such instruction here: ${instruction}`);
  }

  async #run(line: string): Promise<void> {
    const { uid, gid } = this.#builder;
    const command = this.#placePaths(line).replaceAll('node:node', `${uid}:${gid}`);
    const options = { cwd: this.folder, env: this.#variables };
    const { code, stderr } = await this.#world.run(['/bin/sh', '-c', command], options);
    if (code !== 0) throw new Error(`RUN ${line} ended with ${code}: ${stderr}`);
  }

  #fill(value: string): string {
    return this.#placePaths(value.replaceAll(/\$(\w+)/g, (_, name: string) => this.#variables[name] ?? ''));
  }

  /** Paths that the Dockerfile itself makes. */
  #placePaths(text: string): string {
    return text.replaceAll(/(?<![\w.-])\/(?:opt|state|data)\b/g, (path) => this.locate(path));
  }

  finish(): Image {
    const { uid, gid, canSwitch } = this.#builder;
    return {
      entrypoint: this.#entrypoint,
      command: this.#command,
      options: {
        cwd: this.locate(this.#workingFolder),
        env: { ...this.#variables, HOME: '/nonexistent' },
        ...(canSwitch && { uid, gid }),
      },
      user: this.#user,
      volumes: this.#volumes,
      locate: (path) => this.locate(path),
    };
  }
}
