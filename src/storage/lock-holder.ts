/** Who holds a lock, and what this machine can tell of that process beyond its heartbeat. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { readJson } from '../core/nesting.ts';

/**
 * A process, told so that no other can be taken for it: a process id alone could be another container's, or one from
 * before a reboot, and two clones of a machine have the same boot id.
 */
interface Holder {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  /** What tells clones of a machine apart: a digest of the addresses of its network cards. Not in older lock files. */
  readonly machine: string | undefined;
  /** Linux only: the boot, the process id namespace, and when the process started. */
  readonly boot: string | undefined;
  readonly namespace: string | undefined;
  readonly started: string | undefined;
}

/** What is certain about the process that holds a lock; `unknown` where only its heartbeat tells. */
export type HolderState = 'running' | 'paused' | 'dead' | 'unknown';

/** The content of a lock file of this process. */
export function describeHolder(token: string): string {
  const holder: Holder = {
    token,
    pid: process.pid,
    ...describeSystem(),
    started: findProcess(process.pid)?.started,
  };
  return JSON.stringify(holder);
}

/** The token in a lock file; undefined where there is none to be read. */
export function readToken(content: string | undefined): string | undefined {
  return parseHolder(content)?.token;
}

/** `heldHere` has the tokens of the locks that this process holds: it outlives a release that the disk refused. */
export function observeHolder(content: string, heldHere: ReadonlySet<string>): HolderState {
  const holder = parseHolder(content);
  if (!holder || !isOfThisSystem(holder)) return 'unknown';
  const found = findProcess(holder.pid);
  if (!found || found.started !== holder.started) return 'dead';
  if (found.isPaused) return 'paused';
  const mayBeOver = !heldHere.has(holder.token) && process.pid === holder.pid;
  return mayBeOver ? 'unknown' : 'running';
}

function parseHolder(content: string | undefined): Holder | undefined {
  // Nothing where it was released, or is caught in the middle of a rewrite.
  return readJson(content ?? '') as Holder | undefined;
}

function isOfThisSystem(holder: Holder): boolean {
  const here = describeSystem();
  return (
    here.boot !== undefined &&
    here.namespace !== undefined &&
    holder.boot === here.boot &&
    holder.namespace === here.namespace &&
    holder.host === here.host &&
    holder.machine === here.machine
  );
}

function describeSystem(): Pick<Holder, 'host' | 'machine' | 'boot' | 'namespace'> {
  const machine = describeNetwork();
  try {
    return {
      host: hostname(),
      machine,
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespace: readlinkSync('/proc/self/ns/pid'),
    };
  } catch {
    return { host: hostname(), machine, boot: undefined, namespace: undefined };
  }
}

/** Cards that come and go make a process unknown for a while, which leaves the judgement to its heartbeat. */
function describeNetwork(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((cards = []) => cards.map(({ mac }) => mac));
  const known = [...new Set(addresses)].sort().join(' ');
  return createHash('sha256').update(known).digest('hex').slice(0, 16);
}

interface SystemProcess {
  /** Clock ticks from boot to its start. */
  readonly started: string | undefined;
  readonly isPaused: boolean;
}

/** A process of this system; undefined when there is no such process. */
function findProcess(pid: number): SystemProcess | undefined {
  try {
    // The name in parentheses may hold spaces: count the fields behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const [state = ''] = fields;
    // A process that ended and was not yet waited for is still listed.
    if (state === 'Z' || state === 'X') return undefined;
    return { started: fields[19], isPaused: state.toUpperCase() === 'T' };
  } catch {
    return undefined;
  }
}
