import assert from "node:assert/strict";
import { Fields } from "./fields.ts";

const CANNOT = 'Cannot read "net.onnx"';
const fieldsOf = (value: unknown) => new Fields(value, CANNOT, "its metadata");

/** What is thrown, without how all of it begins. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof RangeError);
    assert.ok(error.message.startsWith(`${CANNOT}: its metadata`), error.message);
    return error.message.slice(`${CANNOT}: its metadata`.length);
  }
  return "nothing was refused";
}

Deno.test("Fields takes objects alone", () => {
  const values = { a: 1, b: undefined };
  assert.equal(fieldsOf(values).values, values);
  assert.deepEqual(fieldsOf(values).keys, ["a", "b"]);
  const refused = [null, "text", 3, [1], undefined].map((value) => refusal(() => fieldsOf(value)));
  assert.deepEqual(refused, [
    " is null, an object is needed",
    ' is "text", an object is needed',
    " is 3, an object is needed",
    " is [1], an object is needed",
    " is missing, an object is needed",
  ]);
});

Deno.test("Fields has its own fields, and none of what every object has", () => {
  const fields = fieldsOf({ a: 0, b: undefined, c: null });
  assert.deepEqual(["a", "b", "c", "d", "toString", "__proto__"].map((key) => fields.has(key)), [
    true,
    false,
    true,
    false,
    false,
    false,
  ]);
  assert.deepEqual(["a", "c", "toString"].map((key) => fields.value(key)), [0, null, undefined]);
});

Deno.test("Fields gives objects and lists of them, and says where in them something is wrong", () => {
  const fields = fieldsOf({ one: { deep: { x: 1 } }, many: [{ x: 1 }, { x: "two" }], mixed: [{}, 7] });
  assert.equal(fields.object("one").object("deep").number("x"), 1);
  const [first, second] = fields.objects("many");
  assert.equal(first.number("x"), 1);
  assert.equal(refusal(() => second.number("x")), '.many[1].x is "two", a number is needed');
  assert.equal(refusal(() => fields.objects("mixed")), ".mixed[1] is 7, an object is needed");
  assert.equal(refusal(() => fields.objects("one")), '.one is {"deep":{"x":1}}, a list is needed');
  assert.equal(refusal(() => fields.object("two")), ".two is missing, an object is needed");
});

Deno.test("Fields gives finite numbers within bounds, both ends included", () => {
  const fields = fieldsOf({ low: 1, high: 5, text: "3", none: null, huge: JSON.parse("1e999") });
  assert.deepEqual(["low", "high"].map((key) => fields.number(key, { least: 1, most: 5 })), [1, 5]);
  assert.equal(refusal(() => fields.number("low", { least: 2, most: 5 })), ".low is 1, a number from 2 to 5 is needed");
  assert.equal(
    refusal(() => fields.number("high", { least: 1, most: 4 })),
    ".high is 5, a number from 1 to 4 is needed",
  );
  assert.equal(refusal(() => fields.number("text")), '.text is "3", a number is needed');
  assert.equal(refusal(() => fields.number("huge")), ".huge is Infinity, a number is needed");
  assert.deepEqual(["low", "none", "missing"].map((key) => fields.measured(key)), [1, null, null]);
  assert.equal(refusal(() => fields.measured("text")), '.text is "3", a number is needed');
});

Deno.test("Fields gives texts, of those that are known", () => {
  const fields = fieldsOf({ layout: "NHWC", empty: "", count: 3 });
  assert.deepEqual(["layout", "empty"].map((key) => fields.text(key)), ["NHWC", ""]);
  assert.equal(fields.text("layout", ["NCHW", "NHWC"]), "NHWC");
  assert.equal(refusal(() => fields.text("count")), ".count is 3, a text is needed");
  assert.equal(refusal(() => fields.text("layout", ["a", "b"])), '.layout is "NHWC", needed is one of a, b');
});

Deno.test("Fields gives lists of numbers and of names that are not empty", () => {
  const fields = fieldsOf({
    shape: [8, 0],
    names: ["a", "b"],
    none: [],
    mixed: [1, "a"],
    text: "ab",
    far: { length: 2 },
  });
  assert.deepEqual(fields.numbers("shape"), [8, 0]);
  assert.deepEqual(fields.names("names"), ["a", "b"]);
  assert.deepEqual(fields.names("names", 2), ["a", "b"]);
  for (const key of ["none", "mixed", "text", "far", "names", "missing"]) {
    assert.match(refusal(() => fields.numbers(key)), /, a list of numbers is needed$/);
  }
  for (const key of ["none", "mixed", "text", "far", "shape", "missing"]) {
    assert.match(refusal(() => fields.names(key)), /, a list of names is needed$/);
  }
  assert.equal(refusal(() => fields.names("names", 3)), ".names has 2 names, 3 are needed");
  const many = fieldsOf({ names: Array.from({ length: 100_001 }, () => "a") });
  assert.match(refusal(() => many.names("names")), /, a list of names is needed$/);
  assert.equal(fieldsOf({ names: Array.from({ length: 100_000 }, () => "a") }).names("names").length, 100_000);
});
