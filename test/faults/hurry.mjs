/** Preloaded into the program where its patience is not what is tried: long pauses take a tenth of their time. */
import { Socket } from 'node:net';

const longMs = 400;
const hurried = (milliseconds) => (milliseconds > longMs ? milliseconds / 10 : milliseconds);

const original = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (work, milliseconds, ...rest) => original(work, hurried(milliseconds), ...rest),
  original,
);

/** Sockets have timers of their own. */
const waitOfSocket = Socket.prototype.setTimeout;
Socket.prototype.setTimeout = function (milliseconds, ...rest) {
  return waitOfSocket.call(this, hurried(milliseconds), ...rest);
};
