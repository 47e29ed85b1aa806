/** The flags of `loom completion`. */
import { Argument, type Command } from 'commander';
import { shells } from '../../core/names.ts';

export function addCompletion(program: Command): Command {
  return program
    .command('completion')
    .description('Print the script by which a shell completes commands, flags and their values.')
    .addArgument(new Argument('<shell>', 'The shell.').choices([...shells]))
    .addHelpText(
      'after',
      `
Examples:
  loom completion bash > ~/.local/share/bash-completion/completions/loom
  loom completion zsh > ~/.zfunc/_loom
  loom completion fish > ~/.config/fish/completions/loom.fish`,
    );
}
