/** Where the program keeps its state: `~/.loom`, or `~/.loom/sandbox` for rehearsals. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Absolute paths of the folders under one loom home. None needs to exist. */
export interface LoomHome {
  readonly root: string;
  /** One record per batch. */
  readonly batches: string;
  /** One record per `loom run`. */
  readonly jobs: string;
  /** Encoded requests on their way to a provider. */
  readonly requests: string;
  /** What came through stdin, until its job is done. */
  readonly inputs: string;
  /** Answers on their way into an output. */
  readonly results: string;
  readonly cache: string;
  readonly locks: string;
}

export function loomHome(options: { readonly sandbox?: boolean | undefined } = {}): LoomHome {
  const real = join(homedir(), '.loom');
  const root = options.sandbox ? join(real, 'sandbox') : real;
  return {
    root,
    batches: join(root, 'batches'),
    jobs: join(root, 'jobs'),
    requests: join(root, 'requests'),
    inputs: join(root, 'inputs'),
    results: join(root, 'results'),
    cache: join(root, 'cache'),
    locks: join(root, 'locks'),
  };
}
