/** The program in its process: what `main` takes from around it, and the signals that end it. */
import { listenForInterrupts } from './interrupts.ts';
import { main } from './main.ts';
import { createContext } from './options/context.ts';

const { stdin, stdout, stderr, env: environment } = process;
const args = process.argv.slice(2);
const interruption = new AbortController();
const { signal } = interruption;
const workingFolder = process.cwd();
const context = createContext(args, { stdin, stdout, stderr, environment, workingFolder, signal });
listenForInterrupts(context.terminal, interruption);
// Connections that a provider keeps open must not keep the process.
void main(args, context).then((code) => process.exit(code));
