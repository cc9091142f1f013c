/** Lets the event loop run: timers, signals and the terminal. Training awaits microtasks only, which keep it from running. */

/** Longest time that training keeps the event loop waiting, in ms, save for a step that takes longer. */
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
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
