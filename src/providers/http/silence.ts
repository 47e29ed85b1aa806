/** A server that says nothing any more. */

/** No byte came or went for the time that is allowed. */
export class Silence extends Error {
  readonly code = 'SILENCE';

  constructor() {
    super('The connection timed out: nothing came or went');
  }
}
