/** What ends a command from outside of it, and how: in order, so that nothing which was paid for is lost. */
import {
  type EndingSignal,
  endingSignals,
  exitCodeFor,
  InterruptedError,
  LoomError,
} from '../core/errors.ts';
import type { Terminal } from './terminal/terminal.ts';
import { describeError } from './words/describe-error.ts';

/** How long a command has after an error that was not its own: longer than any call that may finish. */
const longestEndMs = 10_000;

/**
 * Aborts when a signal asks the process to end: no new call is made, those under way have their grace, and the exit code
 * is that of the signal. A second signal ends the process at once, with its own code. SIGHUP says that a terminal was
 * closed: a command that never had one (nohup, cron, setsid) goes on.
 *
 * An error that no step of the command waits for, such as a connection's of an SDK, ends it in the same order, with 1. So
 * does a wait for what never comes: node.js alone would end the process as if all had been done.
 */
export function listenForInterrupts(terminal: Terminal, controller: AbortController): void {
  const { signal } = controller;
  let mayHurry = false;

  function stop(reason: LoomError, word: string): void {
    terminal.note(word);
    controller.abort(reason);
    // One order is often given twice at the same moment: `timeout` tells the process, and its group.
    setImmediate(() => {
      mayHurry = true;
    });
  }

  function endAtOnce(reason: LoomError): never {
    terminal.restoreScreen();
    process.exit(exitCodeFor(reason));
  }

  /** Ends a command that has been told to stop, and does not come to its end by itself. */
  function giveUp(reason: LoomError): never {
    if (!(reason instanceof InterruptedError)) terminal.fail(describeError(reason));
    endAtOnce(reason);
  }

  function answer(name: EndingSignal): void {
    if (name === 'SIGHUP' && !terminal.isAttended) {
      terminal.detail('SIGHUP: no terminal was there at the start, so the command goes on.');
      return;
    }
    const reason = new InterruptedError(name);
    if (!signal.aborted) stop(reason, 'Stopping...');
    // The shell of a terminal that is closed says so, and the system too; and nobody is there to be in a hurry.
    else if (mayHurry && name !== 'SIGHUP') endAtOnce(reason);
  }

  function stopAfter(error: unknown): void {
    if (signal.aborted) return;
    const reason = describeForeignError(error);
    stop(reason, 'Stopping...');
    setTimeout(() => giveUp(reason), longestEndMs).unref();
  }

  for (const name of endingSignals) process.on(name, () => answer(name));
  // Of rejections that nobody handles, too.
  process.on('uncaughtException', stopAfter);
  // Nothing is left that could bring the command to its end, and the second time nothing came of its being told to stop.
  process.on('beforeExit', () => {
    if (signal.aborted) giveUp(signal.reason);
    stopAfter(new Error('nothing is left to wait for'));
  });
}

function describeForeignError(error: unknown): LoomError {
  const message = error instanceof Error ? error.message : String(error);
  return new LoomError('interrupted', `stopped by an error that no step of loom foresaw: ${message}.`, {
    hint: 'What was answered or submitted is kept: run the same command again. LOOM_DEBUG=1 tells where it came from; please report it.',
    cause: error,
  });
}
