#!/usr/bin/env node
import packageInfo from '../../package.json' with { type: 'json' };
import { listenForInterrupts, main } from './main.ts';
import { createTerminal } from './terminal.ts';
import { asksForJson, DocumentDraft, isDebugging, type Voice } from './voice.ts';

// A key given with --api-key must not stay in the list of processes.
process.title = 'loom';

const { stdin, stdout, stderr, env: environment } = process;
const args = process.argv.slice(2);
const voice: Voice = { quiet: false, verbose: isDebugging(environment), json: asksForJson(args) };
const interruption = new AbortController();
const { signal } = interruption;
const terminal = createTerminal({ stdin, stdout, stderr, environment, voice, signal });
listenForInterrupts(terminal, interruption);
const document = new DocumentDraft();
const { version } = packageInfo;
const context = { version, terminal, voice, document, environment, workingFolder: process.cwd(), signal };
const exitCode = await main(args, context);
// Connections that a provider keeps open must not keep the process: end it once stdout has taken everything.
stdout.write('', () => process.exit(exitCode));
