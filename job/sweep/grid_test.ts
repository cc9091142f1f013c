import assert from "node:assert/strict";
import fc from "fast-check";
import { KINDS } from "../options.ts";
import { PTQ_KINDS } from "../ptq_options.ts";
import { combine, gridOf, parseAxis, writeValue } from "./grid.ts";

Deno.test("parseAxis() reads values as their option takes them", () => {
  const read = (text: string) => {
    const { option, values } = parseAxis(text, PTQ_KINDS);
    return [option, ...values];
  };
  assert.deepEqual(parseAxis("lr=1e-4, 5e-4,.5", KINDS), { option: "lr", values: [1e-4, 5e-4, 0.5] });
  assert.deepEqual(parseAxis("head=data,5", KINDS), { option: "head", values: ["data", 5] });
  assert.deepEqual(read("smooth-alpha=0,default"), ["smoothAlpha", 0, undefined]);
  assert.deepEqual(read("--smoothAlpha=1"), ["smoothAlpha", 1]);
  assert.deepEqual(read("equalize=true,false"), ["equalize", true, false]);
  assert.deepEqual(read("observer=default,mse"), ["observer", undefined, "mse"]);
  assert.deepEqual(read("keep-float=none,kind:Add+kind:relu"), ["keepFloat", [], ["kind:Add", "kind:relu"]]);
});

Deno.test("parseAxis() refuses options and values that there are not, naming the nearest", () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["lr", /an option and its values are needed, as in lr=1e-4,5e-4$/],
    ["=1", /an option and its values are needed/],
    ["learning-rate=1", /there is no such option, needed is one of/],
    ["epoch=1", /\(did you mean "epochs"\?\)$/],
    ["out=a,b", /there is no such option/],
    ["resume=a", /there is no such option/],
    ["lr=1,fast", /"fast" is no value of --lr, a number is needed$/],
    ["lr=1,,2", /"" is no value of --lr/],
    ["augment=yes", /"yes" is no value of --augment, true or false is needed$/],
    ["head=0", /0 is no value of --head, a whole number from 1 to 1000000 is needed, or "data" for/],
    ["head=all", /"all" is no value of --head/],
    ["arch= ", /a text that is not empty is needed$/],
    ["lr=1,1.0", /the value 1 is given twice, once is needed$/],
    ["constructor=1", /there is no such option/],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => parseAxis(text, KINDS), { name: "RangeError", message }, text);
  }
});

Deno.test("combine() makes a row of each combination, the last option changing fastest", () => {
  const rows = combine([parseAxis("lr=1e-4,5e-4", KINDS), parseAxis("keep-float=none,a/b+c", KINDS)]);
  assert.deepEqual(rows, [
    { name: "lr=0.0001,keep-float=none", options: { lr: 1e-4, keepFloat: [] } },
    { name: "lr=0.0001,keep-float=a-b+c", options: { lr: 1e-4, keepFloat: ["a/b", "c"] } },
    { name: "lr=0.0005,keep-float=none", options: { lr: 5e-4, keepFloat: [] } },
    { name: "lr=0.0005,keep-float=a-b+c", options: { lr: 5e-4, keepFloat: ["a/b", "c"] } },
  ]);
  const lr = parseAxis("lr=1,2", KINDS);
  assert.throws(() => combine([lr, lr]), /Cannot sweep over --lr twice/);
  const many = (option: string) => parseAxis(`${option}=${Array.from({ length: 40 }, (_, i) => i + 1)}`, KINDS);
  assert.throws(() => combine([many("epochs"), many("seed")]), /Cannot sweep over 1600 rows: at most 1000/);
});

Deno.test("combine() gives folders that differ in any case, whatever values are called", () => {
  const value = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== "");
  fc.assert(
    fc.property(fc.uniqueArray(value, { minLength: 1, maxLength: 6 }), (values) => {
      const names = combine([{ option: "recipe", values }]).map(({ name }) => name);
      assert.equal(new Set(names.map((name) => name.toLowerCase())).size, values.length);
      for (const name of names) assert.match(name, /^[\w][\w.,=+-]*$/);
    }),
    { numRuns: 100, seed: 1 },
  );
});

Deno.test("gridOf() reads options with their values, or rows one by one", () => {
  const read = (value: unknown) => gridOf(value, { kinds: PTQ_KINDS, cannot: "Cannot read" });
  assert.deepEqual(read({ over: { "smooth-alpha": [0.5, null], smooth: [true] } }), [
    { name: "smooth-alpha=0.5,smooth=true", options: { smoothAlpha: 0.5, smooth: true } },
    { name: "smooth-alpha=default,smooth=true", options: { smoothAlpha: undefined, smooth: true } },
  ]);
  assert.deepEqual(read({ rows: [{ name: "plain" }, { options: { keepFloat: ["stage:last"] } }, {}] }), [
    { name: "plain", options: {} },
    { name: "keep-float=stage-last", options: { keepFloat: ["stage:last"] } },
    { name: "as-given", options: {} },
  ]);
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [[], /it is \[\], an object is needed/],
    [{}, /one of "over" and "rows" is needed/],
    [{ over: {}, rows: [] }, /one of "over" and "rows" is needed/],
    [{ over: {} }, /"over" is empty/],
    [{ ower: {} }, /it has "ower", needed is one of over, rows \(did you mean "over"/],
    [{ over: { bits: 4 } }, /"over" of "bits" is 4, a list that is not empty is needed/],
    [{ over: { bits: ["4"] } }, /"4" is no value of --bits, a number is needed/],
    [{ rows: [{ name: "../up" }] }, /a row is called "\.\.\/up", letters, digits/],
    [{ rows: [{ nam: "a" }] }, /a row has "nam"/],
    [{ rows: [{ options: { out: "x" } }] }, /there is no such option/],
    [{ rows: [7] }, /a row is 7, an object is needed/],
  ];
  for (const [value, message] of refused) assert.throws(() => read(value), { name: "RangeError", message });
});

Deno.test("writeValue() writes what parseAxis() reads", () => {
  for (const text of ["lr=0.0001,5", "augment=true,false,default", "keep-float=none,a+b", "target=x86"]) {
    const { values } = parseAxis(text, KINDS);
    assert.equal(values.map(writeValue).join(","), text.slice(text.indexOf("=") + 1));
  }
});
