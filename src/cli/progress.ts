/** Progress of long commands: a bar on a terminal, elsewhere a plain line on stderr every ten seconds. */
import type { Terminal } from './terminal.ts';

export interface Progress {
  update(state: { readonly done: number; readonly total: number; readonly details: string }): void;
  /** Leaves the last state on the screen. Call it however the command ends. */
  stop(): void;
}

const plainLineMs = 10_000;

/** Shows nothing before the first update. */
export async function startProgress(terminal: Terminal, label: string): Promise<Progress> {
  return terminal.drawsBars ? startBar(terminal, label) : startPlainLines(terminal, label);
}

async function startBar(terminal: Terminal, label: string): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress');
  const startedAt = Date.now();
  const bar = new cliProgress.SingleBar({
    stream: terminal.stderr,
    hideCursor: true,
    gracefulExit: false,
    fps: 10,
    format: (_options, parameters, payload) => {
      const filled = Math.round(Math.min(1, parameters.progress) * 24);
      const drawn = '█'.repeat(filled) + '░'.repeat(24 - filled);
      return `${label} ${drawn} ${describe(parameters.value, parameters.total, payload.details, startedAt)}`;
    },
  });
  let started = false;
  return {
    update({ done, total, details }) {
      if (started) return bar.update(done, { details });
      started = true;
      bar.start(total, done, { details });
      terminal.barIsDrawn = true;
    },
    stop() {
      if (started) bar.stop();
      terminal.barIsDrawn = false;
    },
  };
}

function startPlainLines(terminal: Terminal, label: string): Progress {
  const startedAt = Date.now();
  let last: string | undefined;
  let state: Parameters<Progress['update']>[0] | undefined;
  const timer = setInterval(() => {
    if (!state) return;
    const line = `${label} ${describe(state.done, state.total, state.details, startedAt)}`;
    if (line !== last) terminal.note(line);
    last = line;
  }, plainLineMs);
  timer.unref();
  return {
    update(next) {
      state = { ...next };
    },
    stop: () => clearInterval(timer),
  };
}

/** `340/1000  errors=0  0:01:12  eta 0:02:19` */
function describe(done: number, total: number, details: string, startedAt: number): string {
  const elapsedSeconds = (Date.now() - startedAt) / 1000;
  const eta = done > 0 ? formatElapsed((elapsedSeconds / done) * (total - done)) : '-:--:--';
  return `${done}/${total}  ${details}  ${formatElapsed(elapsedSeconds)}  eta ${eta}`;
}

/** Seconds as `h:mm:ss`; `-` where they are not known. */
export function formatElapsed(seconds: number): string {
  if (Number.isNaN(seconds)) return '-';
  const whole = Math.round(seconds);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
