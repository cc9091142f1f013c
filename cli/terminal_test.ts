import assert from "node:assert/strict";
import { messageOf } from "./_run.ts";
import { fitTerminal, isAscii, isDumb, printJson, terminalOptions } from "./_terminal.ts";
import { type Surroundings, watchProgram } from "./_test_support.ts";

Deno.test("isAscii() believes the first variable of the locale that is set", () => {
  const of = (env: Readonly<Record<string, string>>) => isAscii((name) => env[name]);
  assert.ok(of({ LANG: "C" }));
  assert.ok(of({ LC_ALL: "POSIX", LANG: "en_US.UTF-8" }));
  assert.ok(of({ LC_ALL: "", LC_CTYPE: "C", LANG: "en_US.UTF-8" }));
  assert.ok(!of({ LC_ALL: "C.UTF-8", LANG: "C" }));
  assert.ok(!of({}));
});

Deno.test("isDumb() believes TERM", () => {
  assert.deepEqual(["dumb", "xterm-256color", undefined].map((term) => isDumb(() => term)), [true, false, false]);
});

Deno.test("messageOf() writes any error as one line of bounded length", () => {
  assert.equal(messageOf(new TypeError("Cannot\n  do \x1b[31m it")), "Cannot do ?[31m it");
  assert.equal(messageOf("no Error"), "no Error");
  assert.equal(messageOf(new Error("")), "unknown, and without a message");
  const long = messageOf(new Error(`Cannot ${"x".repeat(400_000)}, a name is needed`));
  assert.equal(long.length, 1000);
  assert.match(long, /^Cannot x+ … \(400025 characters\) … x+, a name is needed$/);
});

Deno.test("isAscii() asks LC_ALL before LC_CTYPE, and that before LANG", () => {
  const of = (...[all, type, lang]: readonly (string | undefined)[]) =>
    isAscii((name) => ({ LC_ALL: all, LC_CTYPE: type, LANG: lang, TERM: undefined })[name]);
  const utf8 = "en_US.UTF-8";
  assert.deepEqual([of("C", utf8, utf8), of(utf8, "C", "C")], [true, false]);
  assert.deepEqual([of(undefined, "POSIX", utf8), of("", utf8, "C")], [true, false]);
  assert.deepEqual([of(undefined, undefined, "POSIX"), of("", "", "C"), of("", "", "")], [true, true, false]);
});

Deno.test("terminalOptions() tells colours, characters and width of a terminal", async () => {
  assert.deepEqual(await optionsIn({ columns: 93 }), { color: true, ascii: false, width: 93 });
  const env = { LANG: "C", TERM: "xterm" };
  assert.deepEqual(await optionsIn({ columns: 41, env }), { color: true, ascii: true, width: 41 });
});

Deno.test("terminalOptions() leaves colours out when they are refused, or unknown to the terminal", async () => {
  const plain = { color: false, ascii: false, width: 80 };
  assert.deepEqual(await optionsIn({ columns: 80, noColor: true }), plain);
  assert.deepEqual(await optionsIn({ columns: 80, env: { TERM: "dumb" } }), plain);
});

Deno.test("terminalOptions() knows no colours and no width when standard output is a pipe", async () => {
  for (const env of [undefined, { TERM: "dumb" }, { TERM: "xterm" }]) {
    for (const noColor of [false, true]) {
      assert.deepEqual(await optionsIn({ noColor, ...(env && { env }) }), { color: false, ascii: false });
    }
  }
  assert.deepEqual(await optionsIn({ env: { LC_CTYPE: "POSIX" } }), { color: false, ascii: true });
});

async function optionsIn(surroundings: Surroundings): Promise<unknown> {
  let options: unknown;
  await watchProgram(surroundings, () => {
    options = terminalOptions();
  });
  return options;
}

Deno.test("fitTerminal() keeps a text as it is, and writes it in ASCII where the locale has no more", async () => {
  const texts: string[] = [];
  for (const env of [{ LANG: "C.UTF-8" }, { LANG: "C" }]) {
    await watchProgram({ env }, () => void texts.push(fitTerminal("a … b")));
  }
  assert.deepEqual(texts, ["a … b", "a ... b"]);
});

Deno.test("fitTerminal() and terminalOptions() take UTF-8 and colours for granted where no variable may be read", async () => {
  const unseen = { env: { LC_ALL: "C", TERM: "dumb" }, mayReadEnv: false, columns: 60 };
  assert.deepEqual(await optionsIn(unseen), { color: true, ascii: false, width: 60 });
  await watchProgram(unseen, () => assert.equal(fitTerminal("…"), "…"));
});

Deno.test("printJson() indents by two, and escapes what a terminal obeys or turns around", async () => {
  const value = {
    a: ["\x7f\x80\x9f", "\u2028\u2029\u202a\u202e\u2066\u2069"],
    b: "\x1b ü\xa0~\u2027\u202f\u2065\u206a",
  };
  const { stdout, stderr } = await watchProgram({}, () => printJson(value));
  assert.deepEqual(stderr, []);
  assert.deepEqual(stdout, [
    [
      "{",
      '  "a": [',
      String.raw`    "\u007f\u0080\u009f",`,
      String.raw`    "\u2028\u2029\u202a\u202e\u2066\u2069"`,
      "  ],",
      String.raw`  "b": "\u001b ` + 'ü\xa0~\u2027\u202f\u2065\u206a"',
      "}",
    ].join("\n"),
  ]);
  assert.deepEqual(JSON.parse(stdout[0]), value);
});
