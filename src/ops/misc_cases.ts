import type { InputSpec, OpCase, OpCases } from "../../tests/_support/op_cases.ts";

function einsum(equation: string, ...inputs: readonly InputSpec[]): OpCase {
  return { name: `${equation} of ${inputs.map(({ dtype = "float32" }) => dtype)}`, inputs, attrs: { equation } };
}

const float = (...shape: number[]): InputSpec => ({ shape });
const int = (...shape: number[]): InputSpec => ({ shape, dtype: "int32" });

function constant(name: string, attrs: Readonly<Record<string, unknown>>): OpCase {
  return { name, inputs: {}, attrs, tolerance: "exact" };
}

function range(start: number, stop: number, step: number, dtype = "float32"): OpCase {
  return constant(`${start} to ${stop} by ${step}, ${dtype}`, { start, stop, step, dtype });
}

const LRN = { depthRadius: 2, bias: 1, alpha: 0.5, beta: 0.75 };
const NARROW_LRN = { depthRadius: 1, bias: 2, alpha: 0.1, beta: 0.5 };

function topK(name: string, x: InputSpec, k: number): OpCase {
  return { name, inputs: { x }, attrs: { k, sorted: true }, tolerance: "exact" };
}

/** Cases by kernel. */
export const cases: OpCases = {
  Einsum: [
    einsum("ij,jk->ik", float(2, 3), float(3, 4)),
    einsum("bij,bjk->bik", float(2, 3, 4), float(2, 4, 2)),
    einsum("ij->ji", float(2, 3)),
    einsum("ij->i", float(2, 3)),
    einsum("i,i->", float(5), float(5)),
    einsum("i,j->ij", float(3), float(4)),
    einsum("abcd,cde->abe", float(2, 3, 2, 2), float(2, 2, 3)),
    einsum("ij,jk->ik", int(2, 3), int(3, 2)),
  ],
  LinSpace: [
    constant("ten numbers", { start: 0, stop: 1, num: 10 }),
    constant("descending", { start: 3, stop: -2.5, num: 7 }),
    constant("one number", { start: 3, stop: 4, num: 1 }),
  ],
  LRN: [
    { name: "a window of 5", inputs: { x: float(2, 2, 3, 8) }, attrs: LRN },
    { name: "a window of 3", inputs: { x: float(1, 2, 2, 4) }, attrs: NARROW_LRN },
    { name: "a window wider than the channels", inputs: { x: float(1, 2, 2, 2) }, attrs: { ...LRN, depthRadius: 5 } },
  ],
  LRNGrad: [
    {
      name: "a window of 5",
      inputs: { x: float(2, 2, 3, 8), y: float(2, 2, 3, 8), dy: float(2, 2, 3, 8) },
      attrs: LRN,
    },
    {
      name: "a window of 3",
      inputs: { x: float(1, 2, 2, 4), y: float(1, 2, 2, 4), dy: float(1, 2, 2, 4) },
      attrs: NARROW_LRN,
    },
  ],
  Range: [
    range(0, 5, 1),
    range(0, 1, 0.1),
    range(5, 0, 1),
    range(5, 0, -2),
    range(5, 0, 2),
    range(0, 5, -1),
    range(2, 2, 1),
    range(0, 20, 3, "int32"),
  ],
  TopK: [
    topK("rows", float(3, 6), 2),
    topK("all", float(5), 5),
    topK("ties", { shape: [2, 4], values: [1, 2, 2, 1, 0, 0, 0, 0] }, 3),
    topK("int32", { shape: [2, 3, 7], dtype: "int32" }, 3),
    topK("infinities", { shape: [4], values: [-Infinity, 1, Infinity, 0] }, 4),
  ],
};
