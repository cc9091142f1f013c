import assert from "node:assert/strict";
import { handleEvents, inTurns, makeYield, type Steps } from "./events.ts";
import { shadow } from "./shadow.ts";

/** A clock that stands still but for what moves it. */
class Clock {
  now = 1000;
  readonly #restore = shadow(performance, "now", () => this.now);

  [Symbol.dispose](): void {
    this.#restore();
  }
}

/** Whether a timer that is due is heard while `work` is done. */
async function hears(work: () => Promise<unknown>, onTimer: () => void = () => {}): Promise<boolean> {
  let heard = false;
  const timer = setTimeout(() => {
    heard = true;
    onTimer();
  }, 0);
  await work();
  clearTimeout(timer);
  return heard;
}

Deno.test("handleEvents() lets timers run that are due", async () => {
  assert.ok(await hears(handleEvents));
  assert.ok(!await hears(() => Promise.resolve()));
});

Deno.test("makeYield() lets events be handled when 50 ms have passed, counted from the end of the last time", async () => {
  using clock = new Clock();
  const pause = makeYield();
  const heardAfter = (ms: number, onTimer?: () => void) => {
    clock.now += ms;
    return hears(pause, onTimer);
  };
  assert.ok(!await heardAfter(0));
  assert.ok(!await heardAfter(49.5));
  // What is done then takes 30 ms.
  assert.ok(await heardAfter(0.5, () => clock.now += 30));
  assert.ok(!await heardAfter(49));
  assert.ok(await heardAfter(1));
  assert.ok(!await heardAfter(0));
});

Deno.test("inTurns() does all steps, and lets a timer stop it between two of them", async () => {
  using clock = new Clock();
  const done: string[] = [];
  function* work(): Steps<number> {
    try {
      for (let step = 1; step <= 3; step++) {
        done.push(`step ${step}`);
        clock.now += 50;
        yield;
      }
      return 7;
    } finally {
      done.push("closed");
    }
  }
  assert.equal(await inTurns(work()), 7);
  assert.deepEqual(done.splice(0), ["step 1", "step 2", "step 3", "closed"]);
  const abort = new AbortController();
  const stopped = assert.rejects(inTurns(work(), abort.signal), /enough/);
  setTimeout(() => abort.abort(new Error("enough")), 0);
  await stopped;
  assert.deepEqual(done, ["step 1", "closed"]);
});

Deno.test("inTurns() closes what was open where a step fails", async () => {
  const done: string[] = [];
  function* work(): Steps<number> {
    try {
      yield;
      throw new RangeError("no such step");
    } finally {
      done.push("closed");
    }
  }
  await assert.rejects(inTurns(work()), { name: "RangeError", message: "no such step" });
  assert.deepEqual(done, ["closed"]);
});
