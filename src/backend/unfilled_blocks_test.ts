/** Nets whose channels do not fill the blocks in which this machine convolves, against the cpu backend. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { assertAgree, onBothBackends, readAll } from "../../tests/_support/backends.ts";
import { randomTensor } from "../../tests/_support/small_models.ts";

type Net = (y: tf.Tensor4D) => tf.Tensor;

/** [1, 4, 4, c] → convolution → `net` → 1×1 convolution, and both gradients. */
function compute(channels: number, net: Net): Promise<number[][]> {
  const tensors = tf.tidy(() => {
    const x = randomTensor([1, 4, 4, channels], 1) as tf.Tensor4D;
    const filters = [2, 3].map((seed) => tf.mul(randomTensor([1, 1, channels, channels], seed), 0.2)) as tf.Tensor4D[];
    const f = (a: tf.Tensor4D, b: tf.Tensor4D) =>
      tf.conv2d(net(tf.conv2d(x, a, 1, "same")) as tf.Tensor4D, b, 1, "same");
    const gradients = tf.grads(f as (...args: tf.Tensor[]) => tf.Tensor)(filters);
    return [f(filters[0], filters[1]), ...gradients];
  });
  return Promise.resolve(readAll(tensors));
}

const fill = (channels: number, value: number) => tf.fill([channels], value);

/** Channels that fill blocks of 8 and 16, of 8, and of neither. */
for (const channels of [32, 24, 20]) {
  const nets: Readonly<Record<string, Net>> = {
    "sqrt(y + 5 - 1)": (y) => tf.sqrt(tf.sub(tf.add(y, fill(channels, 5)), 1)),
    "exp(y - 100 + 100)": (y) => tf.exp(tf.add(tf.add(y, fill(channels, -100)), 100)),
    "sinh(y - 100 + 100)": (y) => tf.sinh(tf.add(tf.add(y, fill(channels, -100)), 100)),
    "log(y + 5)": (y) => tf.log(tf.add(y, fill(channels, 5))),
    "acosh(y + 9)": (y) => tf.acosh(tf.add(y, fill(channels, 9))),
    "y / (y + 5)": (y) => tf.div(y, tf.add(y, fill(channels, 5))),
  };
  for (const [what, net] of Object.entries(nets)) {
    Deno.test(`the engine computes ${what} of ${channels} channels between convolutions`, async () => {
      const { actual, expected } = await onBothBackends(() => compute(channels, net));
      expected.forEach((list, i) => assertAgree(actual[i], list, 1e-3));
    });
  }
}

const UNARY = [
  "sqrt exp log sinh cosh tanh sigmoid relu relu6 elu selu softplus abs neg square reciprocal rsqrt sin cos tan",
  "asin acos atan asinh acosh atanh erf expm1 log1p sign floor ceil round",
].join(" ").split(" ") as ("sqrt" | "exp")[];
const BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "pow"] as const;
const VALUES = [0, 1, -1, 0.5, 5, -5, 100, -100, 1e30];

const step = fc.oneof(
  fc.record({ op: fc.constantFrom(...UNARY) }),
  fc.record({
    op: fc.constantFrom(...BINARY),
    value: fc.constantFrom(...VALUES),
    second: fc.constantFrom("number", "channels", "self"),
  }),
);

/** Filters are 0 in channels that do not count: all that these can make of a number is NaN. */
Deno.test("the engine gives numbers where cpu does when what stands between two convolutions is random", async () => {
  let known = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(12, 20, 24),
      async (steps, channels) => {
        const net: Net = (y) =>
          steps.reduce((x, step): tf.Tensor => {
            if (!("second" in step)) return tf[step.op](x);
            const { op, value, second } = step;
            return tf[op](x, second === "self" ? y : second === "number" ? value : fill(channels, value));
          }, y as tf.Tensor);
        const { actual, expected } = await onBothBackends(() => compute(channels, net));
        expected.forEach((list, i) => {
          if (!list.every(Number.isFinite)) return;
          assert.ok(actual[i].every(Number.isFinite));
          known++;
        });
      },
    ),
    { numRuns: 60, seed: 2 },
  );
  assert.ok(known >= 60, `only ${known} of 180 results were finite`);
});
