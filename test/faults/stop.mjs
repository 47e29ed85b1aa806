/** Where and how a command is stopped: `37` (SIGKILL before its 37th step), `37half`, `37after`, `37full`, … */

/**
 * before, after: SIGKILL there. half: SIGKILL when half of a write is on the disk. full, readonly: from this step on
 * the disk takes nothing new, or nothing at all. int, term, hup, quit: that signal at this step. pause: it waits there.
 * suspend: SIGSTOP after it, until the suite lets it go on.
 */
const ways = [
  'before',
  'half',
  'after',
  'full',
  'readonly',
  'int',
  'term',
  'hup',
  'quit',
  'pause',
  'suspend',
];

/** The step that no command gets to: it only counts. */
export const never = '1000000';

/** `3after:^call POST`: of the steps that are called so, the third. */
export function readStop(text) {
  const match = /^(\d+)([a-z]*)(?::(.+))?$/.exec(text);
  if (!match) return { step: Number.POSITIVE_INFINITY, how: 'before' };
  const how = match[2] || 'before';
  if (!ways.includes(how)) throw new Error(`A stop ends in one of ${ways.join(', ')}, not in ${how}.`);
  return { step: Number(match[1]), how, label: match[3] && new RegExp(match[3]) };
}

/** Signals that are sent at a step. */
export const signalNames = { int: 'SIGINT', term: 'SIGTERM', hup: 'SIGHUP', quit: 'SIGQUIT' };

export const isKill = (how) => how === 'before' || how === 'half' || how === 'after' || how === 'quit';

/** At the creation of a batch, that of the first part unless said; told by its label, as steps before it may be more. */
export const atCreation = (how, part = 1) => `${part}${how}:^call POST .*(batches|batchGenerateContent)$`;

/** Every place where a command with these steps can be killed at those with these numbers, in order. */
export function listKills(steps, numbers) {
  return numbers.flatMap((number) => {
    const kills = [`${number}`, `${number}after`];
    return /^(write|append)/.test(steps[number - 1]) ? [kills[0], `${number}half`, kills[1]] : kills;
  });
}

/** The places where a command can be suspended from the step on that `heldFrom` names: others may have its work then. */
export function listSuspends(steps, heldFrom = /^link .*locks\//) {
  const held = steps.findIndex((label) => heldFrom.test(label));
  return held === -1 ? [] : steps.slice(held).map((_, index) => `${held + index + 1}suspend`);
}

/** So many of a list, evenly spread; `offset` (0 to 1) moves the places, so that lists of equal length differ. */
export function spread(list, count, offset = 0) {
  if (count >= list.length) return list;
  return Array.from(
    { length: count },
    (_, turn) => list[Math.floor(((turn + offset) * list.length) / count)],
  );
}
