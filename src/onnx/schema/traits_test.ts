/** Holds every trait that the tables claim against ONNX Runtime, on random and on extreme inputs. */
import assert from "node:assert/strict";
import { Random } from "../../numbers/random.ts";
import { allocate, type DType } from "../../numbers/dtype.ts";
import { Session } from "../../runtime/session.ts";
import { encodeModel } from "../file/mod.ts";
import { type Attrs, sizeOf, type Tensor } from "../graph.ts";
import { GraphBuilder } from "../writer.ts";
import { type Case, type CaseInput, cases } from "./_cases.ts";
import { CONTRIB_OPS, OPS, schemaOf, type Traits, traitsOf } from "./mod.ts";

const LARGEST = 3.4028234663852886e38;
/** Numbers at which functions overflow, vanish or turn. */
const SPECIAL = [0, 1, 2 ** -149, 2 ** -126, 1e-20, 0.5, 2, 3, 6, 88.7, 89, 104, 710, 65504, 65520, 1e10, 2 ** 31, 1e20]
  .concat(1.9e19, 2 ** 127, LARGEST / 3, LARGEST).flatMap((x) => [x, -x]);

/** An operator applied to inputs of one shape, for what its table row does not tell. */
interface Application {
  readonly op: string;
  readonly attrs: Attrs;
  readonly dtypes: readonly DType[];
}

/** Attributes by which traits differ; the default ones are tried as well where an operator can do without. */
const ATTRS: Readonly<Record<string, readonly Attrs[]>> = {
  LeakyRelu: [{ alpha: 1 }, { alpha: -1 }, { alpha: 3 }],
  Elu: [{ alpha: 50 }, { alpha: -2 }],
  ThresholdedRelu: [{ alpha: 0 }, { alpha: -1 }],
  HardSigmoid: [{ beta: 0 }, { alpha: 3e38, beta: 0 }],
  Selu: [{ alpha: 2, gamma: 3 }],
  Cast: [1, 10, 2, 3, 6, 7, 9].map((to) => ({ to })),
  BitShift: [{ direction: "LEFT" }, { direction: "RIGHT" }],
  Mod: [{ fmod: 1 }],
};
const NEEDS_ATTRS = new Set(["Cast", "BitShift", "Mod"]);

/** Element types of the inputs, where they are not all float32. */
const DTYPES: Readonly<Record<string, readonly DType[]>> = {
  Not: ["bool"],
  And: ["bool", "bool"],
  Or: ["bool", "bool"],
  Xor: ["bool", "bool"],
  Where: ["bool", "float32", "float32"],
  BitShift: ["uint8", "uint8"],
};

function applicationsOf(op: string): readonly Application[] {
  const [, most] = schemaOf(op)!.inputs;
  const dtypes = DTYPES[op] ?? new Array<DType>(most === Infinity ? 3 : most).fill("float32");
  const given = ATTRS[op] ?? [];
  return [...(NEEDS_ATTRS.has(op) ? [] : [{}]), ...given].map((attrs) => ({ op, attrs, dtypes }));
}

function tensorOf(dtype: DType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const value = values[i % values.length];
    data[i] = dtype === "bool" ? Number(value !== 0) : dtype === "uint8" ? Math.abs(value) % 8 : value;
  }
  return { dtype, shape, data };
}

function apply(op: string, inputs: readonly (Tensor | null)[], attrs: Attrs = {}, outputs = 1): readonly Tensor[] {
  const b = new GraphBuilder();
  const values = inputs.map((tensor) =>
    tensor === null ? null : b.constant(tensor.dtype, tensor.shape, tensor.data, "x")
  );
  const made = b.nodes(op, values, attrs, outputs).map(({ name }) => name);
  const session = new Session(encodeModel(b.build(op, made)), { optimization: "disabled", keepQdq: true, threads: 1 });
  try {
    const results = session.run({});
    return made.map((name) => results[name] as Tensor);
  } finally {
    session.dispose();
  }
}

const numbers = ({ data }: Tensor) => Array.from<number | bigint, number>(data as Float32Array, Number);
const random = new Random(5, []);
const reals = (length: number, span = 4) => Array.from({ length }, () => random.between(-span, span));
/** Both signs, all magnitudes. */
const wide = (length: number) =>
  reals(length, 1).map((x) => Math.fround(Math.sign(x) * 10 ** random.between(-44, 38.5)));

/** Every operator's operands: all pairs of special numbers and of random ones of all magnitudes. */
function extremes(count: number): readonly number[][] {
  const values = [...SPECIAL, ...wide(24)];
  const pairs = values.flatMap((a) => values.map((b) => [a, b]));
  return Array.from({ length: count }, (_, i) => pairs.map((pair) => pair[i % 2]));
}

const OPERATORS = [...OPS.keys(), ...CONTRIB_OPS.keys()].filter((op) => schemaOf(op)?.traits !== undefined);
const traitOf = (op: string, attrs: Attrs): Traits => traitsOf({ op, attrs, domain: schemaOf(op)?.domain ?? "" });
const elementwise = OPERATORS.filter((op) => applicationsOf(op).some(({ attrs }) => traitOf(op, attrs).elementwise));
const isBounds = (op: string, i: number) => op === "Clip" && i > 0;

for (const op of elementwise) {
  for (const { attrs, dtypes } of applicationsOf(op)) {
    const traits = traitOf(op, attrs);
    const name = `${op}${Object.keys(attrs).length > 0 ? ` ${JSON.stringify(attrs)}` : ""}`;
    const make = (shape: readonly number[], values: readonly ArrayLike<number>[]) =>
      dtypes.map((dtype, i) => isBounds(op, i) ? tensorOf(dtype, [], [i - 1.5]) : tensorOf(dtype, shape, values[i]));

    Deno.test(`traitsOf() says rightly that ${name} takes each element by itself`, () => {
      const values = dtypes.map(() => reals(24));
      const [y] = apply(op, make([2, 3, 4], values), attrs);
      const [turned] = apply(op, make([24], values.map((list) => list.toReversed())), attrs);
      assert.deepEqual([y.shape, turned.shape], [[2, 3, 4], [24]]);
      assert.deepEqual(numbers(turned).reverse(), numbers(y));
    });

    if (traits.broadcasting) {
      Deno.test(`traitsOf() says rightly that ${name} repeats its operands`, () => {
        const shapes = [[4, 1, 3], [2, 1], [1, 2, 1]];
        const small = dtypes.map((dtype, i) => tensorOf(dtype, shapes[i % 3], reals(12)));
        const whole = small.map((tensor) =>
          apply("Expand", [tensor, { dtype: "int64", shape: [3], data: BigInt64Array.of(4n, 2n, 3n) }])[0]
        );
        const [one, other] = [small, whole].map((inputs) => apply(op, inputs, attrs)[0]);
        assert.deepEqual(one.shape, [4, 2, 3]);
        assert.deepEqual(numbers(one), numbers(other));
      });
    }

    if (traits.keepsFinite) {
      Deno.test(`traitsOf() says rightly that ${name} keeps numbers finite`, () => {
        const values = extremes(dtypes.length);
        assert.ok(numbers(apply(op, make([values[0].length], values), attrs)[0]).every(Number.isFinite));
      });
    }

    const { mapsZeroToZero: zeros } = traits;
    if (zeros !== undefined) {
      Deno.test(`traitsOf() says rightly that ${name} makes 0 of 0`, () => {
        const [free] = extremes(1);
        const groups = zeros === "any" ? dtypes.map((_, i) => [i]) : [zeros === "all" ? [...dtypes.keys()] : zeros];
        for (const group of groups) {
          const values = dtypes.map((_, i) => group.includes(i) ? new Array<number>(free.length).fill(0) : free);
          assert.ok(numbers(apply(op, make([free.length], values), attrs)[0]).every((y) => y === 0));
        }
      });
    }
  }
}

/** A case's inputs, the first of numbers that are all different. */
function operandsOf({ inputs }: Case): readonly (Tensor | null)[] {
  return inputs.map((input: CaseInput, i) => {
    if (input === null) return null;
    const [dtype, shape, data] = input;
    const values = i === 0 ? Array.from({ length: sizeOf(shape) }, (_, k) => k * 1.5 - 7) : data ?? [0];
    if (dtype !== "int64") return tensorOf(dtype, shape, values);
    const whole = BigInt64Array.from(
      { length: sizeOf(shape) },
      (_, k) => BigInt(Math.floor(values[k % values.length])),
    );
    return { dtype, shape, data: whole };
  });
}

for (const item of cases.filter(({ op, attrs }) => traitOf(op, attrs ?? {}).movement)) {
  const { op, attrs = {}, outputs = 1 } = item;
  Deno.test(`traitsOf() says rightly that ${op} ${JSON.stringify(item.inputs)} ${JSON.stringify(attrs)} moves`, () => {
    const operands = operandsOf(item);
    const known = new Set(numbers(operands[0]!));
    for (const result of apply(op, operands, attrs, outputs).filter(({ dtype }) => dtype === operands[0]!.dtype)) {
      assert.ok(numbers(result).every((y) => known.has(y)));
    }
  });
}

Deno.test("traitsOf() claims movement only of operators that a case applies, and elementwise of the others", () => {
  const moved = new Set(cases.filter(({ op, attrs }) => traitOf(op, attrs ?? {}).movement).map(({ op }) => op));
  assert.deepEqual(OPERATORS.filter((op) => !moved.has(op) && !elementwise.includes(op)), []);
});

Deno.test("traitsOf() knows by the attributes what Resize, LeakyRelu, HardSigmoid and Cast do", () => {
  const nearest = { mode: "nearest" };
  assert.equal(traitOf("Resize", nearest).movement, true);
  assert.equal(traitOf("Resize", { mode: "linear" }).movement, false);
  const crop = { ...nearest, coordinate_transformation_mode: "tf_crop_and_resize" };
  assert.equal(traitOf("Resize", crop).movement, false);
  assert.equal(traitOf("LeakyRelu", { alpha: 3 }).keepsFinite, undefined);
  assert.equal(traitOf("HardSigmoid", {}).mapsZeroToZero, undefined);
  assert.equal(traitOf("Cast", { to: 10 }).keepsFinite, undefined);
  assert.deepEqual(traitsOf({ op: "Relu", domain: "com.microsoft.nchwc", attrs: {} }), {});
});
