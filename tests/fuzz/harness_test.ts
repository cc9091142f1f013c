/** The harness itself: what it calls a fault, that its cases can be made again, and that it outlives them. */
import assert from "node:assert/strict";
import { Random } from "../../src/numbers/random.ts";
import { faultOfError, Inconsistent, judge } from "./_case.ts";
import { mutateBytes, mutateJson, mutateText } from "./_mutate.ts";
import { WorkerProcess } from "./_process.ts";

Deno.test("faultOfError() takes errors of our own, and no others", () => {
  assert.equal(faultOfError(new RangeError('Cannot read "a": it is empty')), undefined);
  assert.equal(faultOfError(new Error("error: unknown option '--x'")), undefined);
  assert.equal(faultOfError(new RangeError('Cannot read "a": it has no "b", needed is one of c, d:')), undefined);
  const faults: readonly (readonly [unknown, RegExp])[] = [
    ["a text", /no error/],
    [new TypeError("Cannot read properties of undefined (reading 'x')"), /raw/],
    [new RangeError("Cannot load it: Maximum call stack size exceeded"), /raw/],
    [new TypeError("x.map is not a function"), /not one of our own/],
    [new Error("Cannot read\nit"), /several lines/],
    [new Error("Cannot read \x1b[2J"), /control characters/],
    [new Error(`Cannot read ${"x".repeat(2000)}`), /2012 characters/],
    [new Error("Cannot load it: TensorFlow.js refuses it: "), /no reason/],
    [new Inconsistent("two"), /inconsistent/],
  ];
  for (const [error, fault] of faults) assert.match(faultOfError(error) ?? "", fault, String(error));
});

Deno.test("judge() tells what was accepted, refused, and accepted in silence", async () => {
  const refuse = () => {
    throw new RangeError("Cannot read it: it is empty");
  };
  const outcomeOf = async (fuzzCase: Parameters<typeof judge>[0]) => (await judge(fuzzCase)).outcome;
  assert.equal(await outcomeOf({ what: "", read: () => 1 }), "accepted");
  assert.equal(await outcomeOf({ what: "", read: refuse, mustRefuse: true }), "refused");
  assert.equal(await outcomeOf({ what: "", read: () => 1, mustRefuse: true }), "fault");
  assert.equal(
    await outcomeOf({ what: "", read: () => Promise.reject(new TypeError("x is not a function")) }),
    "fault",
  );
});

Deno.test("mutateJson(), mutateBytes() and mutateText() do the same for the same seed, and something for most", () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i);
  const damage = (seed: number) => {
    const random = new Random(seed);
    const json = { a: [1, { b: "c" }], d: true };
    mutateJson(random, json);
    return JSON.stringify([json, [...mutateBytes(random, bytes).bytes], mutateText(random, "0..1")]);
  };
  const seen = new Set(Array.from({ length: 50 }, (_, seed) => damage(seed)));
  assert.equal(damage(7), damage(7));
  assert.ok(seen.size >= 48, `${seen.size} of 50 differ`);
});

Deno.test("WorkerProcess runs cases, and is killed whatever it does", async () => {
  const dir = await Deno.makeTempDir();
  const worker = new WorkerProcess({ dir, seed: 0, limits: { seconds: 20, mebibytes: 1000 } });
  try {
    assert.ok(await worker.isReady());
    const reports = [];
    for await (const report of worker.run("options", { from: 5, count: 20 })) reports.push(report);
    assert.deepEqual(reports.map(({ index }) => index), Array.from({ length: 20 }, (_, i) => 5 + i));
    assert.deepEqual(reports.filter(({ outcome }) => outcome === "fault"), []);
  } finally {
    await worker.kill();
    await Deno.remove(dir, { recursive: true });
  }
});
