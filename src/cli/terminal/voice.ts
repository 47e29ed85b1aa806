/** How a command speaks: in sentences or as one JSON document, and with how many words beside that. */
import type { CommandDocument } from '../../core/documents/documents.ts';
import { escapeSteering } from '../../core/steering.ts';

/** Read at each line, so that it may be set once the flags are known. */
export interface Voice {
  /** No word of the tool's own on stderr but warnings, errors and questions. */
  quiet: boolean;
  /** A line for each request. */
  verbose: boolean;
  /** stdout is for one JSON document; sentences go to stderr. */
  json: boolean;
}

/** The part of a document that its command fills in. */
export type DocumentFields<Document> = Omit<Document, 'exit_code' | 'error'>;

/** Collects the document of a command, which is printed when the command is over, however it ends. */
export class DocumentDraft {
  #fields: object = { command: null };

  /** Begins the document with every field that it has; later values replace these. */
  begin<Document extends CommandDocument>(fields: DocumentFields<Document>): DocumentFields<Document> {
    this.#fields = fields;
    return fields;
  }

  /** The whole document as text, in which nothing steers the terminal that shows it. */
  finish(exitCode: number, error: CommandDocument['error']): string {
    const { command, ...rest } = this.#fields as { command: string | null };
    const whole = {
      command,
      exit_code: exitCode,
      error,
      ...rest,
    };
    return escapeSteering(JSON.stringify(whole, null, 2));
  }
}

/** Whether a command line asks for JSON, told before it is understood: its mistakes are told as JSON too. */
export function asksForJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      arg === '--output-format=json' || (arg === '--output-format' && args[index + 1] === 'json'),
  );
}

/** Whether a command line says how to speak, whatever a file of defaults says. */
export function namesOutputFormat(args: readonly string[]): boolean {
  return args.some((arg) => /^--output-format(=|$)/.test(arg));
}

/** Whether everything is to be told, with the places in the program that errors come from. */
export function isDebugging(environment: NodeJS.ProcessEnv): boolean {
  return environment.LOOM_DEBUG === '1';
}
