/**
 * Lets the event loop run: timers, signals and the terminal. Training and measuring await microtasks only, or nothing at
 * all, which keeps it from running.
 */

/** Longest time that the event loop waits, in ms, save for a step that takes longer. */
const PATIENCE_MS = 50;

/**
 * Makes a function that lets pending events be handled, if it is long enough since they last were.
 *
 * By a timer, not by setImmediate: under Deno 2.9, once node:process has written to a terminal, a loop of immediates
 * keeps signals waiting for ever, Ctrl-C too.
 */
export function makeYield(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < PATIENCE_MS) return;
    await handleEvents();
    last = performance.now();
  };
}

/** Lets pending events be handled. */
export async function handleEvents(): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
}

/** Work in steps: it yields where it may be interrupted, and returns what came out. */
export type Steps<T> = Generator<void, T>;

/** Does work in steps without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * Does work in steps, and lets events be handled in between.
 *
 * @throws The signal's reason, if it is aborted; the work's `finally` is done then.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { inTurns } from "./events.ts";
 *
 * function* work() {
 *   yield;
 *   return 3;
 * }
 * assert.equal(await inTurns(work()), 3);
 * await assert.rejects(inTurns(work(), AbortSignal.abort(new Error("stop"))), /stop/);
 * ```
 */
export async function inTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  const pause = makeYield();
  try {
    for (;;) {
      await pause();
      signal?.throwIfAborted();
      const { done, value } = steps.next();
      if (done) return value;
    }
  } finally {
    // Closes what is open; work that is done has nothing to close.
    steps.return(undefined as never);
  }
}
