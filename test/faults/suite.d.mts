import type { SandboxOptions } from '../../src/sandbox/server.ts';
import type { Ended } from '../program.ts';

interface Host {
  run(
    args: readonly string[],
    place: { folder: string; environment: Record<string, string> },
  ): Promise<Ended>;
  startSandbox(options: SandboxOptions): Promise<{
    readonly origin: string;
    readonly environment: Readonly<Record<string, string>>;
    close(): Promise<void>;
  }>;
}

export declare function playSuite(options: {
  readonly short: boolean;
  readonly jobs: number;
  readonly host: Host;
}): Promise<{ readonly failures: readonly unknown[]; summarize(): string }>;
