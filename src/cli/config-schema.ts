/** The JSON Schema of the file of defaults, which the build writes beside the program for editors. */
import { describeConfig } from './config/config-fields.ts';
import type { CommandContext, Commands } from './options/options.ts';
import { createProgram } from './program.ts';

/** Of the flags as they are; no command is run. */
export function createConfigSchema(): object {
  const context = { version: '' } as CommandContext;
  return describeConfig(createProgram({} as Commands, context, () => {}));
}
