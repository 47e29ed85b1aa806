#!/usr/bin/env node
import packageInfo from '../../package.json' with { type: 'json' };
import { listenForInterrupts, main } from './main.ts';
import { createTerminal } from './terminal.ts';

// A key given with --api-key must not stay in the list of processes.
process.title = 'loom';

const { stdin, stdout, stderr, env: environment } = process;
const terminal = createTerminal({ stdin, stdout, stderr, environment });
const signal = listenForInterrupts(terminal);
const context = { terminal, environment, workingFolder: process.cwd(), signal };
const exitCode = await main(process.argv.slice(2), packageInfo.version, context);
// Connections that a provider keeps open must not keep the process: end it once stdout has taken everything.
stdout.write('', () => process.exit(exitCode));
