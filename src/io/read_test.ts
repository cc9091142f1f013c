import assert from "node:assert/strict";
import { shadow } from "../shadow.ts";
import { formatBytes, readFileWithin, readTextWithin } from "./read.ts";

Deno.test("readFileWithin() reads whole files up to its bound, and refuses longer ones and what is no file", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/file`;
  for (const length of [0, 1, 4095, 4096, 4097]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
    await Deno.writeFile(path, bytes);
    assert.deepEqual(await readFileWithin(path, { most: Math.max(length, 1) }), bytes);
    if (length > 0) await assert.rejects(readFileWithin(path, { most: length - 1 }), /can be read$/);
  }
  await assert.rejects(readFileWithin(dir, { most: 1 }), { message: "it is a folder, a file is needed" });
  await assert.rejects(readFileWithin(`${dir}/none`, { most: 1 }), Deno.errors.NotFound);
  if (Deno.build.os === "linux") {
    await assert.rejects(readFileWithin("/dev/zero", { most: 1 }), /a device or a pipe/);
  }
  await Deno.writeFile(path, Uint8Array.of(0xff, 0xfe));
  await assert.rejects(readTextWithin(path, { most: 9 }), { message: "it is no text in UTF-8" });
  await Deno.remove(dir, { recursive: true });
});

Deno.test("formatBytes() takes the unit that gives up to four digits", () => {
  assert.deepEqual([0, 1023, 1024, 3e6, 2 ** 31, 5e15].map(formatBytes), [
    "0 bytes",
    "1023 bytes",
    "1 KiB",
    "2.86 MiB",
    "2 GiB",
    "4550 TiB",
  ]);
});

Deno.test("readFileWithin() reads a file that is longer than it said, and refuses one that is longer than it may be", async () => {
  const path = await Deno.makeTempFile();
  const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i % 251);
  await Deno.writeFile(path, bytes);
  for (const said of [0, 10, 9_999]) {
    const restore = shadow(
      Deno,
      "stat",
      async (next, ...args) => ({ ...await next(...args), isFile: true, size: said }),
    );
    try {
      assert.deepEqual(await readFileWithin(path, { most: 10_000 }), bytes);
      assert.deepEqual(await readFileWithin(path, { most: 1e9 }), bytes);
      await assert.rejects(readFileWithin(path, { most: 9_999 }), /at most 9\.76 KiB can be read$/);
    } finally {
      restore();
    }
  }
  await Deno.remove(path);
});
