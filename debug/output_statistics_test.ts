import assert from "node:assert/strict";
import { PER_TENSOR } from "../src/numbers/scheme.ts";
import { OutputStatistics } from "./_output_statistics.ts";

const GRID = { scale: 0.5, zeroPoint: 2, qmin: 0, qmax: 7, granularity: PER_TENSOR };

Deno.test("OutputStatistics tells by hand what saturates, which codes are used, and which channels say nothing", () => {
  // Three channels: one that moves, one that never does, one that moves within a code.
  const statistics = new OutputStatistics(3, GRID);
  statistics.add(Float32Array.of(-1, 3, 0.01, 2.8, 3, 0.02), Float32Array.of(-1, 2.5, 0, 2.5, 2.5, 0));
  statistics.add(Float32Array.of(-1.3, 3, -0.01), Float32Array.of(-1, 2.5, 0));
  const { range, grid, saturated, unusedCodes, channels } = statistics.facts();
  assert.deepEqual(range, { min: Math.fround(-1.3), max: 3 });
  assert.deepEqual(grid, { min: -1, max: 2.5, scale: 0.5 });
  // 2.8 rounds to 3, code 8; 3 three times; -1.3 to -1.5, code -1.
  assert.equal(saturated, 5 / 9);
  // Codes 0, 2 and 7 of eight.
  assert.equal(unusedCodes, 5 / 8);
  assert.deepEqual(channels.map(({ state }) => state), ["live", "dead", "lost"]);
  assert.deepEqual(channels[0], { min: Math.fround(-1.3), max: Math.fround(2.8), state: "live" });
});

Deno.test("OutputStatistics counts codes of grids that begin below 0, and values batch by batch", () => {
  const statistics = new OutputStatistics(1, { ...GRID, zeroPoint: 0, qmin: -4, qmax: 3 });
  for (const x of [-2, 0, 1.5]) statistics.add(Float32Array.of(x), Float32Array.of(x));
  const { unusedCodes, saturated, channels } = statistics.facts();
  assert.deepEqual([unusedCodes, saturated], [5 / 8, 0]);
  assert.deepEqual(channels, [{ min: -2, max: 1.5, state: "live" }]);
});

Deno.test("OutputStatistics counts as saturated what rounds to a code beyond the grid, ties to even", () => {
  const share = (x: number) => {
    const statistics = new OutputStatistics(1, GRID);
    statistics.add(Float32Array.of(x), Float32Array.of(0));
    return statistics.facts().saturated;
  };
  // Half a step above code 7 is a tie between 5 and 6 steps: 6 is even.
  assert.deepEqual([2.7, 2.75, 2.8].map(share), [0, 1, 1]);
  assert.deepEqual([-1.2, -1.25, -1.3].map(share), [0, 0, 1]);
});
