/**
 * Whether a job is reached as it was when it was begun. Where it is not, what the server says about a batch by its id still
 * holds; that it knows nothing of a creation says nothing, and what is sent would go to somebody else.
 */
import { LoomError } from '../../core/errors.ts';
import { sandboxName } from '../../core/names.ts';
import { listMissing } from '../../core/request/headers.ts';
import type { Connection } from '../../providers/connection.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { Job } from '../../state/jobs.ts';
import { isNamedServer, isSameServer, nameServer, plainAddress } from './answer-server.ts';

type Reached = Pick<Job, 'job_id' | 'provider' | 'address' | 'server' | 'headers'>;

/** The address at which a provider is asked, as jobs note it. */
export function addressOf(provider: string, baseUrl: string | undefined): string {
  return plainAddress(baseUrl ?? providerEntry(provider).addresses[0]);
}

/** LoomError `state` where it is not reached as it was. A rehearsal has a server of its own each time. */
export function findMisreach(
  job: Reached,
  { baseUrl, headers = {} }: Pick<Connection, 'baseUrl' | 'headers'>,
): LoomError | undefined {
  if (job.server === sandboxName) return undefined;
  const now = addressOf(job.provider, baseUrl);
  if (job.address !== undefined && job.address !== now)
    return describeMisreach(job, `was begun at ${job.address}, and ${now} is asked now`);
  const missing = listMissing(job.headers ?? [], headers);
  if (missing.length > 0) return describeMisreach(job, `was begun with the header ${missing.join(', ')}`);
  // A name that people gave is the same wherever it is.
  if (job.server === undefined || isNamedServer(job.server)) return undefined;
  const server = nameServer({ isSandbox: false }, job.provider, { baseUrl, headers });
  return isSameServer(server, job.server)
    ? undefined
    : describeMisreach(job, 'was begun at another address, or with other headers');
}

function describeMisreach({ job_id: id, address }: Reached, how: string): LoomError {
  return new LoomError('state', `the job ${id} ${how}: nothing more of it is sent there.`, {
    code: 'job_elsewhere',
    facts: { id, address },
    hint: 'Give the address and the headers that it was submitted with.',
  });
}
