/** Recurrent layers in plain numbers of 64 bits, and their gradients by differences. */
import { RECURRENT_INPUTS, type RecurrentActivation, type RecurrentAttrs } from "../recurrent/kernel_types.ts";

/** Kernels of recurrent layers, with how many gates they have. */
export const GATES = { Lstm: 4, Gru: 3, SimpleRnn: 1 } as const;

/** One of them. */
export type Kernel = keyof typeof GATES;

/** Inputs' elements by name, in row-major order. */
export type Elements = Readonly<Partial<Record<typeof RECURRENT_INPUTS[number], readonly number[]>>>;

/** A layer's sizes and attributes. */
export interface Layer
  extends Pick<RecurrentAttrs, "activation" | "recurrentActivation" | "goBackwards" | "resetAfter"> {
  readonly kernel: Kernel;
  readonly samples: number;
  readonly steps: number;
  readonly features: number;
  readonly units: number;
}

/** What a layer computes: what its kernel returns, and what its gradient reads. */
export interface Computed {
  readonly y: readonly number[];
  readonly h: readonly number[];
  readonly c: readonly number[];
  readonly gates: readonly number[];
  readonly cells: readonly number[];
}

const FUNCTIONS: Readonly<Record<RecurrentActivation, (x: number) => number>> = {
  elu: (x) => x >= 0 ? x : Math.expm1(x),
  hardSigmoid: (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5)),
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.log1p(Math.exp(x)),
  softsign: (x) => x / (1 + Math.abs(x)),
  tanh: Math.tanh,
};

/** Takes a layer's steps, sample by sample. */
export function compute(layer: Layer, elements: Elements): Computed {
  const { samples, steps, units, goBackwards } = layer;
  const width = GATES[layer.kernel] * units;
  const y = new Array<number>(samples * steps * units);
  const [gates, cells] = [width, units].map((columns) => new Array<number>(steps * samples * columns));
  const [h, c]: number[][] = [[], []];
  for (let sample = 0; sample < samples; sample++) {
    const first = (name: "h0" | "c0") =>
      elements[name]?.slice(sample * units, (sample + 1) * units) ?? new Array<number>(units).fill(0);
    let state: State = { h: first("h0"), c: first("c0") };
    for (let t = 0; t < steps; t++) {
      const at = sample * steps + (goBackwards ? steps - 1 - t : t);
      const x = elements.x!.slice(at * layer.features, (at + 1) * layer.features);
      const step = takeStep(layer, { elements, x, state });
      if (elements.mask === undefined || elements.mask[at] !== 0) state = step;
      put(gates, step.gates, (t * samples + sample) * width);
      put(cells, state.c, (t * samples + sample) * units);
      put(y, state.h, (sample * steps + t) * units);
    }
    h.push(...state.h);
    c.push(...state.c);
  }
  return { y, h, c, gates, cells };
}

function put(into: number[], values: readonly number[], at: number): void {
  values.forEach((value, i) => into[at + i] = value);
}

interface State {
  readonly h: readonly number[];
  readonly c: readonly number[];
}

function takeStep(
  { kernel, units, activation, recurrentActivation, resetAfter = false }: Layer,
  { elements, x, state }: { readonly elements: Elements; readonly x: readonly number[]; readonly state: State },
): State & { readonly gates: readonly number[] } {
  const [phi, sigma] = [FUNCTIONS[activation], FUNCTIONS[recurrentActivation]];
  const width = GATES[kernel] * units;
  const dot = (vector: readonly number[], weight: readonly number[], column: number) =>
    vector.reduce((total, value, row) => total + value * weight[row * width + column], 0);
  const ofX = Array.from({ length: width }, (_, i) => dot(x, elements.kernel!, i) + (elements.bias?.[i] ?? 0));
  const ofState = (h: readonly number[], column: number) => ofX[column] + dot(h, elements.recurrentKernel!, column);
  const columns = Array.from({ length: units }, (_, unit) => unit);
  const gate = (i: number, h = state.h) => columns.map((unit) => ofState(h, i * units + unit));
  if (kernel === "SimpleRnn") {
    const a = gate(0);
    return { gates: a, h: a.map(phi), c: state.c };
  }
  if (kernel === "Lstm") {
    const [i, f, g, o] = [gate(0), gate(1), gate(2), gate(3)];
    const c = columns.map((unit) => sigma(f[unit]) * state.c[unit] + sigma(i[unit]) * phi(g[unit]));
    return { gates: [i, f, g, o].flat(), c, h: columns.map((unit) => sigma(o[unit]) * phi(c[unit])) };
  }
  const [z, r] = [gate(0), gate(1)];
  const product = (unit: number) => dot(state.h, elements.recurrentKernel!, 2 * units + unit);
  const fresh = resetAfter
    ? columns.map((unit) =>
      ofX[2 * units + unit] + sigma(r[unit]) * (product(unit) + (elements.recurrentBias?.[unit] ?? 0))
    )
    : gate(2, columns.map((unit) => sigma(r[unit]) * state.h[unit]));
  const share = z.map(sigma);
  const h = columns.map((unit) => share[unit] * state.h[unit] + (1 - share[unit]) * phi(fresh[unit]));
  return { gates: [z, r, fresh].flat(), h, c: state.c };
}

/** Gradients by a layer's outputs. */
export type Pulls = Readonly<Partial<Record<"y" | "h" | "c", readonly number[]>>>;

/** How far an element is moved to either side. */
const STEP = 1e-5;

/** Returns the gradients by the inputs that are there, the mask excepted, in order. */
export function differences(layer: Layer, elements: Elements, pulls: Pulls): readonly (readonly number[])[] {
  const outputs = (["y", "h", "c"] as const).filter((name) => pulls[name] !== undefined);
  const total = (changed: Elements) => {
    const made = compute(layer, changed);
    return outputs.reduce((sum, name) => sum + made[name].reduce((s, value, i) => s + value * pulls[name]![i], 0), 0);
  };
  const names = RECURRENT_INPUTS.filter((name) => name !== "mask" && elements[name] !== undefined);
  return names.map((name) =>
    elements[name]!.map((value, i) => {
      const moved = (by: number) => total({ ...elements, [name]: elements[name]!.with(i, value + by) });
      return (moved(STEP) - moved(-STEP)) / (2 * STEP);
    })
  );
}
