#!/usr/bin/env node
/** The entry of the program. What needs none of its code is told at once; all else is loaded only now. */
import { tellAtOnce } from './at-once.ts';
import { keepCompiledCode } from './compiled-code.ts';

// A key given with --api-key must not stay in the list of processes.
process.title = 'loom';

if (!tellAtOnce(process.argv.slice(2))) {
  keepCompiledCode(process.env, process.platform);
  void import('./start.ts');
}
