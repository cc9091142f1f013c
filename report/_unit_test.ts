import assert from "node:assert/strict";
import fc from "fast-check";
import { unitFormat } from "./_unit.ts";

Deno.test("unitFormat() writes fractions in percent and their differences in points", () => {
  const { value, difference, differenceUnit, tick } = unitFormat("fraction");
  assert.deepEqual([value(0.97612), value(1), value(null)], ["97.61%", "100.00%", "n/a"]);
  assert.deepEqual([difference(0.9761, 0.9688), difference(0.9688, 0.9761)], ["-0.73", "+0.73"]);
  assert.deepEqual([difference(0.97, 0.970001), difference(null, 1), differenceUnit], ["0.00", "n/a", "points"]);
  assert.deepEqual([tick(0.9, 0.01), tick(0.905, 0.005), tick(0.9005, 0.0005)], ["90%", "90.5%", "90.05%"]);
});

Deno.test("unitFormat() writes other numbers with four digits of the largest, and their unit behind them", () => {
  const { value, difference, differenceUnit } = unitFormat("px", [1.204, 12.5]);
  assert.deepEqual([value(1.204), value(12.5), value(-0.001)], ["1.20 px", "12.50 px", "0.00 px"]);
  assert.deepEqual([difference(1.204, 1.254), difference(1.3, 1.2), difference(1.2, 1.201)], [
    "+0.05",
    "-0.10",
    "0.00",
  ]);
  assert.equal(differenceUnit, "px");
  assert.equal(unitFormat("", [0.9134]).value(0.9134), "0.9134");
  assert.equal(unitFormat("", [31234.5]).value(31234.5), "31235");
  assert.equal(unitFormat("", [0.0000123]).value(0.0000123), "1.23e-5");
  assert.equal(unitFormat("", [2.5e7]).value(2.5e7), "2.50e+7");
});

Deno.test("unitFormat() writes a percentage of something as one, and says of what", () => {
  const { value, difference, differenceUnit, of, tick } = unitFormat("% of the distance of the eyes", [3.412]);
  assert.deepEqual([value(3.412), difference(3.412, 3.441), differenceUnit], ["3.412%", "+0.029", "points"]);
  assert.deepEqual([of, tick(3.4, 0.1)], ["of the distance of the eyes", "3.4%"]);
});

Deno.test("unitFormat() never writes a number of the wrong sign, nor one that is none", () => {
  const numbers = fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e9, max: 1e9 });
  fc.assert(fc.property(fc.constantFrom("fraction", "px", "", "% of it"), numbers, numbers, (unit, from, to) => {
    const { value, difference } = unitFormat(unit, [from, to]);
    assert.doesNotMatch(`${value(from)} ${difference(from, to)}`, /NaN|Infinity|undefined|-0(\.0*)?(%| |$)/);
    if (from === to) assert.equal(Number(difference(from, to)), 0);
    if (difference(from, to).startsWith("+")) assert.ok(to > from);
    if (difference(from, to).startsWith("-")) assert.ok(to < from);
  }));
});
