/**
 * Carries out a job of a GitHub Actions workflow in folders of a test: its `run` steps by bash, the actions that the
 * recipe uses by what they do to files. An action or field that it does not know is an error.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { RecipeWorld } from './recipe-world.ts';

export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly concurrency: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly if?: string;
  readonly steps: readonly Step[];
}

interface Step {
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}

export interface GithubEvent {
  readonly event_name: 'push' | 'schedule' | 'workflow_dispatch';
  readonly run_id: number;
  /** Whether the repository is a fork. */
  readonly fork?: boolean;
}

export interface JobResult {
  readonly conclusion: 'success' | 'failure' | 'skipped';
  readonly log: string;
  /** Name → folder of what was uploaded. */
  readonly artifacts: Readonly<Record<string, string>>;
}

export function parseWorkflow(text: string): Workflow {
  return parse(text) as Workflow;
}

/** The machines and caches of one repository on GitHub. */
export class GithubRunner {
  readonly #world: RecipeWorld;
  /** Key → the folder that was saved; the newest is last. An entry never changes. */
  readonly #caches = new Map<string, string>();

  constructor(world: RecipeWorld) {
    this.#world = world;
  }

  /** As GitHub drops entries that nobody has asked for in a week. */
  evictCaches(): void {
    this.#caches.clear();
  }

  /** Runs a job on a machine that is new but for its names; `repository` is what is checked out. */
  async runJob(job: Job, event: GithubEvent, repository: string): Promise<JobResult> {
    const github = { ...event, run_attempt: 1, event: { repository: { fork: event.fork ?? false } } };
    const machine = new Machine(this.#world, this.#caches, github, repository);
    await machine.prepare();
    if (job.if !== undefined && !machine.holds(job.if))
      return { conclusion: 'skipped', log: '', artifacts: {} };
    for (const step of job.steps) await machine.runStep(step);
    return {
      conclusion: machine.failed ? 'failure' : 'success',
      log: machine.log,
      artifacts: machine.artifacts,
    };
  }
}

class Machine {
  readonly #world: RecipeWorld;
  readonly #caches: Map<string, string>;
  readonly #github: { readonly run_id: number };
  readonly #repository: string;
  readonly #home: string;
  readonly #workspace: string;
  readonly artifacts: Record<string, string> = {};
  failed = false;
  log = '';

  constructor(
    world: RecipeWorld,
    caches: Map<string, string>,
    github: { run_id: number },
    repository: string,
  ) {
    this.#world = world;
    this.#caches = caches;
    this.#github = github;
    this.#repository = repository;
    this.#home = join(world.root, 'home/runner');
    this.#workspace = join(this.#home, 'work/reviews/reviews');
  }

  async prepare(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
    await mkdir(this.#workspace, { recursive: true });
  }

  async runStep(step: Step): Promise<void> {
    if (!this.holds(step.if ?? 'success()')) return;
    const fields = Object.fromEntries(
      Object.entries(step.with ?? {}).map(([name, value]) => [name, this.#fill(String(value))]),
    );
    if (step.uses !== undefined) return this.#act(step.uses.replace(/@.*/, ''), fields);
    if (step.run === undefined) throw new Error('A step has neither uses nor run.');
    const env = Object.entries(step.env ?? {}).map(([name, value]) => [name, this.#fill(value)]);
    const { code, stdout, stderr } = await this.#world.run(['bash', '-e', '-c', this.#fill(step.run)], {
      cwd: this.#workspace,
      env: {
        HOME: this.#home,
        PATH: `${this.#world.commands}:/usr/bin:/bin`,
        OPENAI_BASE_URL: this.#world.provider.OPENAI_BASE_URL as string,
        ...Object.fromEntries(env),
      },
    });
    this.log += stdout + stderr;
    if (code !== 0) this.failed = true;
  }

  /** Whether a condition is met. Expressions of the kind used here mean the same in JavaScript. */
  holds(condition: string): boolean {
    return this.#evaluate(condition.replace(/^\$\{\{(.*)\}\}$/, '$1')) === true;
  }

  #fill(text: string): string {
    return text.replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression: string) => String(this.#evaluate(expression)));
  }

  #evaluate(expression: string): unknown {
    const scope = {
      github: this.#github,
      secrets: { OPENAI_API_KEY: this.#world.provider.OPENAI_API_KEY },
      success: () => !this.failed,
      always: () => true,
      cancelled: () => false,
      hashFiles: (path: string) => (existsSync(join(this.#workspace, path)) ? 'hash' : ''),
    };
    return new Function(...Object.keys(scope), `return (${expression})`)(...Object.values(scope));
  }

  async #act(action: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const path = (fields.path ?? '').replace(/^~/, this.#home);
    if (action === 'actions/checkout') {
      await cp(this.#repository, this.#workspace, { recursive: true });
    } else if (action === 'actions/cache/restore') {
      const found = [...this.#caches.keys()]
        .reverse()
        .find((key) => key === fields.key || key.startsWith(fields['restore-keys'] as string));
      if (found !== undefined) await cp(this.#caches.get(found) as string, path, { recursive: true });
    } else if (action === 'actions/cache/save') {
      const key = fields.key as string;
      if (this.#caches.has(key)) throw new Error(`There is a cache entry ${key} already.`);
      if (!existsSync(path)) return;
      const folder = join(this.#world.root, 'caches', key);
      await cp(path, folder, { recursive: true });
      this.#caches.set(key, folder);
    } else if (action === 'actions/upload-artifact') {
      const folder = join(this.#world.root, 'artifacts', String(this.#github.run_id));
      await cp(join(this.#workspace, fields.path as string), folder);
      this.artifacts[fields.name as string] = folder;
    } else if (action !== 'actions/setup-node') throw new Error(`No such action here: ${action}`);
  }
}
