/** Commands that are proposed. */

/** Whose state a command is to see: with `sandbox` that of rehearsals. */
export interface OfHome {
  readonly sandbox?: boolean | undefined;
}

/** `loom fetch --id job_1 --sandbox` */
export function loom(command: string, { sandbox }: OfHome): string {
  return `loom ${command}${sandbox ? ' --sandbox' : ''}`;
}
