import assert from "node:assert/strict";
import { Command } from "commander";
import { addData, addModel, number, parseFlags } from "./_options.ts";
import { type Seen, watchProgram } from "./_test_support.ts";

const PAIRS = [["--fine", "--coarse"], ["--red", "--green"]] as const;

function command(): Command {
  return new Command("test")
    .option("--seed <n>", "a number", number)
    .option("--name <text>", "a text")
    .option("--layers <names...>", "many")
    .option("--shift", "as it is")
    .option("--no-shift", "not")
    .option("--fine", "one form")
    .option("--coarse", "the other form")
    .option("--red", "one colour")
    .option("--green", "another");
}

/** The flags that `args` are read as, or what the program said and exited with. */
async function read(...args: readonly string[]): Promise<{ readonly flags?: object } & Seen> {
  let flags: object | undefined;
  const seen = await watchProgram({}, () => {
    flags = parseFlags(command(), args, PAIRS);
  });
  return { ...seen, ...(flags === undefined ? {} : { flags }) };
}

Deno.test("number() reads decimal numbers, and refuses everything else", () => {
  const texts = ["7", "-3", "+2.5", ".5", "5.", "1e3", "2E-4", "0"];
  assert.deepEqual(texts.map(number), [7, -3, 2.5, 0.5, 5, 1000, 0.0002, 0]);
  for (const text of ["", " ", "1 ", "0x10", "Infinity", "NaN", "1e", ".", "1,5", "five", "1n", "--1"]) {
    assert.throws(() => number(text), { message: "A number is needed." }, JSON.stringify(text));
  }
});

Deno.test("parseFlags() reads every flag once", async () => {
  const { flags, exit } = await read("--seed", "4", "--name", "x", "--no-shift", "--fine", "--red");
  assert.equal(exit, undefined);
  assert.deepEqual(flags, { seed: 4, name: "x", shift: false, fine: true, red: true });
  assert.deepEqual((await read()).flags, {});
});

Deno.test("parseFlags() takes a flag of several values as often as it is given", async () => {
  assert.deepEqual((await read("--layers", "a", "b", "--layers", "c")).flags, { layers: ["a", "b", "c"] });
});

Deno.test("parseFlags() refuses a flag that is given twice, whatever kind it is", async () => {
  for (const args of [["--seed", "1"], ["--name", "a"], ["--shift"], ["--no-shift"], ["--fine"], ["--coarse"]]) {
    const { exit, stdout, stderr } = await read(...args, ...args);
    assert.deepEqual([exit, stdout], [2, []]);
    assert.deepEqual(stderr, [`error: option '${args[0]}' is given twice, once is needed\n`]);
  }
});

Deno.test("parseFlags() refuses two flags of which one is the other's contrary, in either order", async () => {
  for (const [a, b] of [["--shift", "--no-shift"], ...PAIRS]) {
    for (const [first, second] of [[a, b], [b, a]]) {
      const { exit, stderr } = await read(first, second);
      assert.equal(exit, 2);
      assert.deepEqual(stderr, [`error: options '${first}' and '${second}' contradict each other\n`]);
    }
  }
});

Deno.test("parseFlags() lets pairs of flags stand beside each other", async () => {
  assert.deepEqual((await read("--coarse", "--green")).flags, { coarse: true, green: true });
});

Deno.test("parseFlags() exits with 2 when the line makes no sense, which it says in one printable line", async () => {
  for (const args of [["--unknown"], ["left over"], ["--seed", "x"], ["--name"], ["--\x1b[2J\n\x07"]]) {
    const { exit, stdout, stderr } = await read(...args);
    assert.deepEqual([exit, stdout, stderr.length], [2, [], 1]);
    assert.match(stderr[0], /^error: [^\p{Cc}]+\n$/u);
  }
});

for (const flag of ["-h", "--help"]) {
  Deno.test(`parseFlags() prints the help to stdout and exits with 0 when it is asked for by ${flag}`, async () => {
    const { exit, stdout, stderr } = await read(flag);
    assert.deepEqual([exit, stderr], [0, []]);
    assert.match(stdout.join("\n"), /^Usage: test [^]*\nHelp:\n +-h, --help +print this\n/);
  });
}

Deno.test("parseFlags() throws on what is no fault of the command line", () => {
  const broken = command().option("--broken <x>", "fails", () => {
    throw new TypeError("a fault of ours");
  });
  assert.throws(() => parseFlags(broken, ["--broken", "1"]), new TypeError("a fault of ours"));
});

Deno.test("parseFlags() reads names between commas, with spaces or without", () => {
  const args = ["--targets", "a, b c ,d", "--outputs", "one"];
  assert.deepEqual(parseFlags(addData(addModel(new Command("test")), { data: "samples" }), args), {
    targets: ["a", "b c", "d"],
    outputs: ["one"],
  });
});
