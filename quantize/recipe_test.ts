import assert from "node:assert/strict";
import { loadRecipe, readRecipe } from "./recipe.ts";

/** A file with everything that a recipe can hold. */
const WHOLE = {
  $schema: "../docs/recipe.schema.json",
  name: "mine",
  target: "simulation",
  rules: [
    { match: { name: "fc" }, then: { float: true }, required: true },
    {
      match: { pattern: "^conv", kind: "Conv2D", stage: -1 },
      then: {
        method: "static",
        weights: { dtype: "int4", qmin: -7, qmax: 7, symmetric: true, granularity: "per-channel", observer: "mse" },
        activations: { dtype: "uint8", span: 127 },
        observer: "min-max",
        momentum: 0.5,
        percentile: 99.9,
        range: { min: -1, max: 1.5 },
      },
    },
    { match: {}, then: {} },
  ],
};

/** Recipes with one fault each, as JSON, and what is said of it. */
const FAULTS: Readonly<Record<string, readonly [unknown, string]>> = {
  "a list": [[], "$ is [], an object is needed"],
  "no rules": [{}, "$.rules is missing"],
  "rules that are none": [{ rules: {} }, "$.rules is {}, a list is needed"],
  "an unknown key": [
    { rules: [{ match: {}, then: { wieghts: {} } }] },
    '$.rules[0].then has the unknown key "wieghts", needed is one of float, answers, method, weights, activations, observer, ' +
    'momentum, percentile, range (did you mean "weights"?)',
  ],
  "a rule without an end": [{ rules: [{ match: {} }] }, "$.rules[0].then is missing"],
  "a number for a name": [
    { rules: [{ match: { name: 5 }, then: {} }] },
    "$.rules[0].match.name is 5, a text is needed",
  ],
  "a text for a flag": [
    { rules: [{ match: {}, then: { float: "yes" } }] },
    '$.rules[0].then.float is "yes", true or false is needed',
  ],
  "half a code": [
    { rules: [{ match: {}, then: {} }, { match: {}, then: { weights: { qmax: 7.5 } } }] },
    "$.rules[1].then.weights.qmax is 7.5, a whole number is needed",
  ],
  "no momentum": [
    { rules: [{ match: {}, then: { momentum: 0 } }] },
    "$.rules[0].then.momentum is 0, a number above 0 to 1 is needed",
  ],
  "a percentile of nothing": [
    { rules: [{ match: {}, then: { percentile: 0 } }] },
    "$.rules[0].then.percentile is 0, a number above 0 to 100 is needed",
  ],
  "a range with one end": [
    { rules: [{ match: {}, then: { range: { min: 0 } } }] },
    "$.rules[0].then.range.max is missing",
  ],
  "a range beyond all numbers": [
    { rules: [{ match: {}, then: { range: { min: 0, max: 1e39 } } }] },
    "$.rules[0].then.range.max is 1e+39, a number from -3.4028234663852886e+38 to 3.4028234663852886e+38 is needed",
  ],
  "an observer of weights that is none": [
    { rules: [{ match: {}, then: { weights: { observer: "entropy" } } }] },
    '$.rules[0].then.weights.observer is "entropy", needed is one of min-max, mse',
  ],
  "an observer of a scheme of activations": [
    { rules: [{ match: {}, then: { activations: { observer: "mse" } } }] },
    '$.rules[0].then.activations has the unknown key "observer", needed is one of dtype, qmin, qmax, symmetric, ' +
    "granularity, span",
  ],
  "an expression that is none": [
    { rules: [{ match: { pattern: "(" }, then: {} }] },
    '$.rules[0].match.pattern is "(", a regular expression is needed',
  ],
};

Deno.test("readRecipe() returns a recipe as it stands", () => {
  assert.deepEqual(readRecipe(WHOLE, "my.json"), WHOLE);
});

for (const [name, [value, fault]] of Object.entries(FAULTS)) {
  Deno.test(`readRecipe() names the place when there is ${name}`, () => {
    assert.throws(() => readRecipe(value, "my.json"), {
      name: "TypeError",
      message: `Cannot read recipe "my.json": ${fault}`,
    });
  });
}

Deno.test("readRecipe() suggests the name that was meant", () => {
  const suggested = (value: unknown) => {
    try {
      readRecipe(value, "r");
    } catch (error) {
      return /did you mean "(.*)"/.exec(String(error))?.[1];
    }
  };
  const then = (settings: unknown) => ({ rules: [{ match: {}, then: settings }] });
  assert.equal(suggested({ target: "qnpack", rules: [] }), "qnnpack");
  assert.equal(suggested(then({ observer: "minmax" })), "min-max");
  assert.equal(suggested(then({ weights: { dtype: "itn8" } })), "int8");
  assert.equal(suggested(then({ weights: { granularity: "per-chanel" } })), "per-channel");
  assert.equal(suggested({ rules: [{ match: { kind: "Conv2d" }, then: {} }] }), "Conv2D");
  assert.equal(suggested({ rules: [{ match: { kind: "weigthed" }, then: {} }] }), "weighted");
});

Deno.test("loadRecipe() reads files, and says in one line what is wrong with one", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify(WHOLE));
    assert.deepEqual(await loadRecipe(path), WHOLE);
    await Deno.writeTextFile(path, "{ rules: [] }");
    await assert.rejects(loadRecipe(path), {
      name: "TypeError",
      message: /is not valid JSON \(damaged or truncated\): [^\n]+$/,
    });
    await assert.rejects(loadRecipe(`${path}.none`), { message: /there is no such file or folder$/ });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readRecipe() refuses expressions that can take longer than anybody waits", () => {
  const of = (pattern: string) => () => readRecipe({ rules: [{ match: { pattern }, then: {} }] }, "my.json");
  for (const pattern of ["(a+)+$", "(a|a)*b", "(a*){2,}", ".*.*.*.*x", "a".repeat(201), "("]) {
    assert.throws(
      of(pattern),
      /^TypeError: Cannot read recipe "my.json": \$\.rules\[0\]\.match\.pattern is .* is needed$/,
    );
  }
  for (const pattern of ["^block_.*_conv.*$", "(conv|fc)1?", "a\\+\\)\\+", "[+*]+", "x{3}"]) {
    assert.doesNotThrow(of(pattern));
  }
});
