/** What Mistral's jobs take, and how long they last. */

/** Its page on limits; older ones, and its guide, speak of a million requests. */
export const limits = { requests: 100_000, bytes: 512_000_000 };

/** `timeout_hours` where nobody asks for another. */
export const windowHours = 24;

/** From the end of a job, by its page on limits; its guide says that they do not expire. The shorter time is counted on. */
export const resultsKeptHours = 24;
