/**
 * Which sessions to give up for their memory.
 *
 * A session keeps its arena between runs, a training step's some hundred MB. A job trains with one step after another:
 * float, then with ranges observed, then with batch norm frozen; what was trained with before does not come again. But
 * what takes turns within an epoch, a step and an evaluation, does, and compiling a large step takes a second.
 */

/** A session that takes much memory, and what there is to know about its use. */
export interface HeldMemory {
  /** Bytes that its arena is taken to have. */
  readonly bytes: number;
  readonly compileMs: number;
  /** When it ran last, in ms. */
  readonly usedAt: number;
  /** Whether it has run once only so far. */
  readonly ranOnce: boolean;
  /** Whether its graph was given up before, and came again. */
  readonly cameAgain: boolean;
}

/** Sessions whose arenas take no more together are kept: for less, compiling again is not worth it. */
const KEPT_BYTES = 128 * 1024 * 1024;

/** Arenas may take this many times what the largest takes: a training step and its evaluation are well below. */
const KEPT_SESSIONS = 1.5;

/** A session unused for this many times as long as compiling it took costs 2 % of the time if it comes again each time. */
const IDLE_COMPILES = 50;

/**
 * Returns the sessions to give up before one of `bytes` is made.
 *
 * First those that ran once: a first training step, which makes the optimizer's variables, does not come again. Then
 * those unused for longest, until the rest and the new one have arenas of 1.5 times the largest's bytes, or 128 MB. The
 * one that ran last stays: it may take turns with the new one. A graph that came again after it was given up is given up
 * once more only if it was idle for so long that compiling it again would not matter.
 *
 * @param held In the order of their last use, the oldest first.
 * @param now The time, in ms.
 */
export function toGiveUp<T extends HeldMemory>(
  held: readonly T[],
  { bytes, now }: { readonly bytes: number; readonly now: number },
): readonly T[] {
  const ranOnce = held.filter((session) => session.ranOnce && !session.cameAgain);
  const rest = held.filter((session) => !ranOnce.includes(session));
  const givenUp = [...ranOnce];
  for (const session of rest.slice(0, -1)) {
    if (fits([bytes, ...rest.filter((other) => !givenUp.includes(other)).map((other) => other.bytes)])) break;
    const isIdle = now - session.usedAt > IDLE_COMPILES * session.compileMs;
    if (!session.cameAgain || isIdle) givenUp.push(session);
  }
  return givenUp;
}

/** Whether arenas of these sizes may be kept together. */
function fits(bytes: readonly number[]): boolean {
  const sum = bytes.reduce((total, each) => total + each);
  return sum <= Math.max(KEPT_BYTES, KEPT_SESSIONS * Math.max(...bytes));
}
