/**
 * Sums of products by the letters of their axes.
 *
 * Letters of both factors and of the result are kept, those of both alone are summed over, those of one factor and the
 * result are its own. With the axes of each kind joined it is a product of matrices: [n, kept, own, summed] by
 * [n, kept, own, summed], transposed. A constant that shares no letter with the result but its own is a dense layer.
 */
import { type Call, refuse, type Row } from "../_call.ts";
import { permuted } from "../_constants.ts";
import { operation } from "../_operation.ts";
import { plainOrder, type Value } from "../_value.ts";
import { reducedOver } from "./reduce.ts";
import { reshaped, transposed } from "./shape.ts";

/** The rows. */
export const EINSUMS: Readonly<Record<string, Row>> = { Einsum: einsum };

/** A factor, with a letter for each of its axes. */
interface Factor {
  readonly letters: readonly string[];
  readonly shape: readonly number[];
  /** undefined: it is a constant. */
  readonly value: Value | undefined;
  /** Its place among the inputs. */
  readonly input: number;
}

function einsum(call: Call): Value {
  const equation = call.text("equation", "").replaceAll(" ", "");
  if (equation.includes(".")) refuse(`its equation "${equation}" has an ellipsis, letters are needed`);
  const [left, right] = equation.split("->");
  const factors = left.split(",").map((letters, input) => factorOf(call, [...letters], input));
  const result = right === undefined ? implied(left) : [...right];
  const batches = factors.flatMap(({ value, letters }) => value === undefined ? [] : [letters[0]]);
  if (batches.some((letter) => letter !== result[0])) {
    refuse(`its equation "${equation}" moves the batch, or sums over it`);
  }
  if (factors.length > 2) refuse(`it multiplies ${factors.length} values, at most 2 are needed`);
  const needed = (
    input: number,
  ) => [...result, ...factors.flatMap((other) => other.input === input ? [] : other.letters)];
  const [a, b] = factors.map((factor) => summed(call, factor, needed(factor.input)));
  const product = b === undefined
    ? a
    : a.value === undefined
    ? productOf(call, b, a, result)
    : productOf(call, a, b, result);
  if (product.value === undefined) refuse("all its factors are constant");
  return transposed(product.value, result.map((letter) => product.letters.indexOf(letter)));
}

function factorOf(call: Call, letters: readonly string[], input: number): Factor {
  const value = call.isValue(input) ? call.value(input) : undefined;
  const shape = value?.shape ?? call.constant(input)?.shape ?? refuse(`its input ${input} is unknown`);
  if (new Set(letters).size < letters.length) refuse(`it takes a diagonal ("${letters.join("")}")`);
  return { letters, shape, value, input };
}

/** Without "->": the letters that come once, in order. */
function implied(left: string): readonly string[] {
  const letters = [...left.replaceAll(",", "")];
  return letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).toSorted();
}

/** Sums over letters that nobody else has. */
function summed(call: Call, factor: Factor, needed: readonly string[]): Factor {
  const { value, letters } = factor;
  const gone = letters.flatMap((letter, axis) => needed.includes(letter) ? [] : [axis]);
  if (gone.length === 0) return factor;
  if (value === undefined) refuse("it sums over an axis of a constant alone");
  const left = reducedOver(call, value, { by: "sum", axes: gone, keepDims: false }, "_summed");
  return { ...factor, letters: letters.filter((letter) => needed.includes(letter)), shape: left.shape, value: left };
}

interface Product {
  readonly letters: readonly string[];
  readonly value: Value | undefined;
}

/** The product of a value and of another, or of a constant. */
function productOf(call: Call, a: Factor, b: Factor, result: readonly string[]): Product {
  const { value: x } = a;
  if (x === undefined) return { letters: [], value: undefined };
  const [batch] = a.letters;
  const shared = a.letters.filter((letter) => letter !== batch && b.letters.includes(letter));
  const kept = shared.filter((letter) => result.includes(letter));
  const over = shared.filter((letter) => !result.includes(letter));
  // In the order in which they are stored: then they need not be moved.
  const own = x.order.map((axis) => a.letters[axis]).filter((letter) => !shared.includes(letter));
  const others = b.letters.filter((letter) => letter !== batch && !shared.includes(letter));
  const sideOf = (letter: string) =>
    a.letters.includes(letter) ? a.shape[a.letters.indexOf(letter)] : b.shape[b.letters.indexOf(letter)];
  const size = (letters: readonly string[]) => letters.reduce((product, letter) => product * sideOf(letter), 1);
  const [n] = x.shape;
  const arranged = transposed(x, [batch, ...kept, ...own, ...over].map((letter) => a.letters.indexOf(letter)));
  const letters = [batch, ...kept, ...own, ...others];
  const joined = b.value === undefined && kept.length === 0
    ? byDense(call, reshaped(call, arranged, [n, ...own.map(sideOf), size(over)]), {
      units: size(others),
      kernel: permuted(
        call.reals(b.input, "factor"),
        b.shape,
        [...over, ...others].map((letter) => b.letters.indexOf(letter)),
      ),
    })
    : byMatrices(call, reshaped(call, arranged, [n, size(kept), size(own), size(over)]), {
      shape: [n, size(kept), size(others), size(over)],
      factor: b,
      letters: [...kept, ...others, ...over],
    });
  return { letters, value: reshaped(call, joined, [n, ...letters.slice(1).map(sideOf)]) };
}

function byDense(
  { builder }: Call,
  x: Value,
  { units, kernel }: { readonly units: number; readonly kernel: Float32Array },
): Value {
  const name = builder.layer({
    className: "Dense",
    config: { units, useBias: false, activation: "linear" },
    inbound: [builder.stored(x)],
    weights: [{ name: "kernel", shape: [kernel.length / units, units], data: kernel }],
  });
  return { shape: x.shape.with(-1, units), order: plainOrder(x.shape.length), read: () => name };
}

interface SecondFactor {
  /** [n, kept, own, summed] */
  readonly shape: readonly number[];
  readonly factor: Factor;
  /** Of its axes behind the batch, in that order. */
  readonly letters: readonly string[];
}

function byMatrices(
  call: Call,
  x: Value,
  { shape, factor: { value, letters: given, input, shape: own }, letters }: SecondFactor,
) {
  const axes = letters.map((letter) => given.indexOf(letter));
  const second = value === undefined
    ? call.builder.constant(shape.slice(1), permuted(call.reals(input, "factor"), own, axes))
    : call.builder.stored(reshaped(call, transposed(value, [0, ...axes]), shape));
  const inbound = [call.builder.stored(x), second];
  const name = operation(call, "matMul", { inbound, options: { transposeB: true } });
  return { shape: x.shape.with(-1, shape[2]), order: plainOrder(4), read: () => name };
}
