import assert from "node:assert/strict";
import { EXIT, runCommand } from "./_run.ts";
import { watchProgram } from "./_test_support.ts";

const SIGNALS = Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const;

/** What `work` rejects with once a signal has come. */
function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

Deno.test("EXIT holds 1 for failures, 2 for usage, and 128 + number for signals", () => {
  assert.deepEqual(EXIT, { failure: 1, usage: 2, SIGINT: 130, SIGTERM: 143 });
});

Deno.test("runCommand() does its work, prints nothing and does not exit when it goes well", async () => {
  let isDone = false;
  const seen = await watchProgram({}, () => runCommand(() => Promise.resolve(void (isDone = true)), {}));
  assert.ok(isDone);
  assert.deepEqual(seen, { stdout: [], stderr: [], listens: [...SIGNALS] });
});

Deno.test("runCommand() prints an error in one line to stderr, leaves the terminal as it was and exits with 1", async () => {
  let stops = 0;
  const fail = () => Promise.reject(new Error("Cannot\ndo \x1b[31mit"));
  const seen = await watchProgram({}, () => runCommand(fail, { stop: () => stops++ }));
  assert.deepEqual([seen.exit, seen.stdout, seen.stderr], [1, [], ["error: Cannot do ?[31mit"]]);
  assert.equal(stops, 1);
});

Deno.test("runCommand() prints the stack and the causes of an error when it debugs", async () => {
  const fail = () => Promise.reject(new Error("Cannot do it", { cause: new TypeError("\x1b[2Jcause") }));
  const seen = await watchProgram({}, () => runCommand(fail, { debug: true }));
  assert.equal(seen.exit, 1);
  assert.match(seen.stderr[0], /^Error: Cannot do it\n +at [^]*\n +\[cause\]: TypeError: \?\[2Jcause\n +at /);
});

Deno.test("runCommand() writes what it says in ASCII when the locale has no more", async () => {
  const fail = () => Promise.reject(new Error("Cannot use “a” …"));
  const seen = await watchProgram({ env: { LC_ALL: "C" } }, () => runCommand(fail, {}));
  assert.match(seen.stderr[0], /^error: Cannot use [ -~]+$/);
});

for (const name of SIGNALS) {
  Deno.test(`runCommand() passes a first ${name} on, says how to go on and exits with the signal's code`, async () => {
    let stops = 0;
    const seen = await watchProgram(
      { signals: [name] },
      () => runCommand(untilStopped, { stop: () => stops++, onStopped: () => "Stopped.\x07" }),
    );
    assert.deepEqual([seen.exit, seen.stdout, seen.stderr, stops], [EXIT[name], [], ["Stopped.?"], 1]);
  });

  Deno.test(`runCommand() exits at once when a second signal, ${name}, comes`, async () => {
    let stops = 0;
    const deaf = () => new Promise<void>(() => {});
    const seen = await watchProgram(
      { signals: ["SIGINT", name] },
      () => runCommand(deaf, { stop: () => stops++, onStopped: () => "Stopped." }),
    );
    assert.deepEqual([seen.exit, seen.stderr, stops], [EXIT[name], [], 1]);
  });
}

Deno.test("runCommand() says nothing of a signal when there is nothing to say", async () => {
  const seen = await watchProgram({ signals: ["SIGINT"] }, () => runCommand(untilStopped, {}));
  assert.deepEqual([seen.exit, seen.stderr], [130, []]);
});

Deno.test("runCommand() aborts with a reason that names the signal", async () => {
  let reason: unknown;
  const work = async (signal: AbortSignal) => {
    await untilStopped(signal).catch((error) => reason = error);
  };
  const seen = await watchProgram({ signals: ["SIGINT"] }, () => runCommand(work, {}));
  assert.equal(seen.exit, undefined, "work that ends well all the same has ended well");
  assert.match(String(reason), /^Error: ended by SIGINT$/);
});

Deno.test("runCommand() tells a failure that comes after a signal from the signal's own", async () => {
  const work = (signal: AbortSignal) => untilStopped(signal).catch(() => Promise.reject(new Error("the disk is full")));
  const seen = await watchProgram({ signals: ["SIGINT"] }, () => runCommand(work, { onStopped: () => "Stopped." }));
  assert.deepEqual([seen.exit, seen.stderr], [1, ["error: the disk is full"]]);
});
