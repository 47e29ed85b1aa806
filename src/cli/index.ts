#!/usr/bin/env node
import { createContext } from './context.ts';
import { listenForInterrupts, main } from './main.ts';

// A key given with --api-key must not stay in the list of processes.
process.title = 'loom';

const { stdin, stdout, stderr, env: environment } = process;
const args = process.argv.slice(2);
const interruption = new AbortController();
const { signal } = interruption;
const workingFolder = process.cwd();
const context = createContext(args, { stdin, stdout, stderr, environment, workingFolder, signal });
listenForInterrupts(context.terminal, interruption);
const exitCode = await main(args, context);
// Connections that a provider keeps open must not keep the process: end it once stdout has taken everything.
stdout.write('', () => process.exit(exitCode));
