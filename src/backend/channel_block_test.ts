import assert from "node:assert/strict";
import process from "node:process";
import { channelBlock } from "./_channel_block.ts";

// Who runs tests there has vectors of eight numbers, or of sixteen.
Deno.test("channelBlock() finds the blocks of x86's vectors", {
  // Other processors have vectors of other lengths.
  ignore: process.arch !== "x64",
}, () => {
  assert.ok([8, 16].includes(channelBlock()), `${channelBlock()}`);
});
