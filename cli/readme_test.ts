import assert from "node:assert/strict";
import { qatCommand } from "./qat.ts";

const FLAG = /`(--[\w-]+)/g;

Deno.test("README.md's table of options lists every flag of qat, and no other", () => {
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const table = readme.split("\n").filter((line) => line.startsWith("| `--")).map((line) => line.split("|")[1]);
  const listed = table.flatMap((cell) => [...cell.matchAll(FLAG)].map(([, flag]) => flag));
  assert.deepEqual(listed.toSorted(), qatCommand().options.map(({ long }) => long).toSorted());
});

Deno.test("README.md and the help speak of flags that exist", () => {
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const own = qatCommand().options.map(({ long }) => long);
  const commands = [
    ...readme.matchAll(/^deno task qat .*$/gm),
    ...qatCommand().helpInformation().matchAll(/deno task qat .*/g),
  ];
  for (const [command] of commands) {
    for (const [flag] of command.matchAll(/--[\w-]+/g)) assert.ok(own.includes(flag), `${flag} in: ${command}`);
  }
});
