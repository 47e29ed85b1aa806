/** An error with what lies behind it. */

/** From the outside to the inside. A name with several addresses fails once for each: the first stands for all. */
export function causesOf(failure: unknown): NodeJS.ErrnoException[] {
  const trail: NodeJS.ErrnoException[] = [];
  let error = failure;
  while (error instanceof Error && trail.length < 6) {
    trail.push(error);
    error = error instanceof AggregateError ? error.errors[0] : error.cause;
  }
  return trail;
}
