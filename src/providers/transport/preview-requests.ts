/** Requests that are looked at in place of being sent. */
import type { WireRequest } from '../connection.ts';
import type { Ask } from './request-notice.ts';

/** Hands on each request, and answers none. */
export function previewRequests(preview: (request: WireRequest) => void): Ask {
  return async (address, init) => {
    const headers = Object.fromEntries(new Headers(init.headers));
    const body = typeof init.body === 'string' ? init.body : '';
    preview({ method: init.method?.toUpperCase() ?? 'GET', url: address, headers, body });
    throw new Error('It is a preview: nothing was sent.');
  };
}
