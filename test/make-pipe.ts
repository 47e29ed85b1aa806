/** Named pipes for tests: whoever opens one to read waits for a writer that never comes. */
import { execFileSync } from 'node:child_process';

export function makePipe(path: string): void {
  execFileSync('/usr/bin/env', ['mkfifo', path]);
}
