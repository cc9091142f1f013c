import assert from "node:assert/strict";
import process from "node:process";
import { channelBlock } from "./_channel_block.ts";

const CPU_INFO = "/proc/cpuinfo";
const isKnown = Deno.build.os === "linux" && process.arch === "x64";

Deno.test("channelBlock() is what this machine's vectors hold", { ignore: !isKnown }, () => {
  const flags = /^flags\s*:(.*)$/m.exec(Deno.readTextFileSync(CPU_INFO))?.[1].split(" ") ?? [];
  const expected = flags.includes("avx512f") ? 16 : flags.includes("avx") ? 8 : 1;
  assert.equal(channelBlock(), expected);
});
