/**
 * A second reading of darknet's files: a forward pass in loops and float64, channels first, written from the format's
 * description and sharing nothing with what it is held against.
 */

type Options = Record<string, string>;

/** Channels, height and width, and values in that order. */
export interface Plain {
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly values: Float64Array;
}

/** Runs a net on one picture; gives the output of each section. */
export function runPlainly(cfg: string, weights: Uint8Array, picture: Plain): Plain[] {
  const sections = cfg.split("\n").map((line) => line.replace(/\s/g, "")).filter((line) =>
    line !== "" && line[0] !== "#"
  )
    .reduce<{ kind: string; options: Options }[]>((all, line) => {
      if (line[0] === "[") all.push({ kind: line.slice(1, -1), options: {} });
      else all[all.length - 1].options[line.split("=")[0]] = line.split("=")[1];
      return all;
    }, []).slice(1);
  const view = new DataView(weights.buffer, weights.byteOffset, weights.length);
  let at = view.getInt32(0, true) * 10 + view.getInt32(4, true) >= 2 ? 20 : 16;
  const take = (count: number) =>
    Float64Array.from({ length: count }, () => {
      const value = view.getFloat32(at, true);
      at += 4;
      return value;
    });
  const outputs: Plain[] = [];
  let x = picture;
  for (const { kind, options } of sections) {
    const number = (key: string, otherwise: number) => key in options ? Number(options[key]) : otherwise;
    const list = (key: string) => options[key].split(",").map(Number).map((i) => i < 0 ? outputs.length + i : i);
    if (kind === "convolutional") x = convolve(x, { number, take, activation: options.activation });
    else if (kind === "connected") x = connect(x, { number, take, activation: options.activation });
    else if (kind === "maxpool") x = pool(x, number);
    else if (kind === "avgpool") {
      const all = x;
      x = make([x.c, 1, 1], (c) =>
        all.values.subarray(c * all.h * all.w, (c + 1) * all.h * all.w)
          .reduce((a, b) => a + b, 0) / (all.h * all.w));
    } else if (kind === "route") {
      const [groups, group] = [number("groups", 1), number("group_id", 0)];
      const parts = list("layers").map((i) => outputs[i]).map(({ c, h, w, values }) => {
        const size = values.length / groups;
        return { c: c / groups, h, w, values: values.subarray(group * size, (group + 1) * size) };
      });
      x = {
        c: parts.reduce((sum, { c }) => sum + c, 0),
        h: parts[0].h,
        w: parts[0].w,
        values: Float64Array.from(parts.flatMap(({ values }) => [...values])),
      };
    } else if (kind === "shortcut") {
      const [own, others] = [x, list("from").map((i) => outputs[i])];
      x = make([x.c, x.h, x.w], (c, i, j) => {
        const added = others.map((other) => {
          const step = other.h / own.h;
          return c < other.c ? get(other, c, i * step, j * step) : 0;
        });
        return act(options.activation, added.reduce((a, b) => a + b, get(own, c, i, j)));
      });
    } else if (kind === "upsample") {
      const [s, all] = [number("stride", 2), x];
      x = make([x.c, x.h * s, x.w * s], (c, i, j) => get(all, c, Math.floor(i / s), Math.floor(j / s)));
    } else if (kind === "softmax") {
      const top = Math.max(...x.values);
      const sum = x.values.reduce((a, b) => a + Math.exp(b - top), 0);
      x = { ...x, values: x.values.map((v) => Math.exp(v - top) / sum) };
    }
    outputs.push(x);
  }
  return outputs;
}

function make([c, h, w]: readonly [number, number, number], at: (c: number, i: number, j: number) => number): Plain {
  const values = new Float64Array(c * h * w);
  for (let k = 0; k < c; k++) {
    for (let i = 0; i < h; i++) for (let j = 0; j < w; j++) values[(k * h + i) * w + j] = at(k, i, j);
  }
  return { c, h, w, values };
}

function get({ h, w, values }: Plain, c: number, i: number, j: number): number {
  return values[(c * h + i) * w + j];
}

interface Reading {
  readonly number: (key: string, otherwise: number) => number;
  readonly take: (count: number) => Float64Array;
  readonly activation: string;
}

function convolve(x: Plain, { number, take, activation }: Reading): Plain {
  const [n, size, stride] = [number("filters", 1), number("size", 1), number("stride", 1)];
  const pad = number("pad", 0) === 1 ? Math.floor(size / 2) : number("padding", 0);
  const groups = number("groups", 1);
  const isNormalized = number("batch_normalize", 0) === 1;
  const bias = take(n);
  const norm = isNormalized ? [take(n), take(n), take(n)] : undefined;
  const inside = x.c / groups;
  const kernel = take(n * inside * size * size);
  const out = (length: number) => Math.floor((length + 2 * pad - size) / stride) + 1;
  return make([n, out(x.h), out(x.w)], (f, i, j) => {
    const first = Math.floor(f / (n / groups)) * inside;
    let sum = 0;
    for (let c = 0; c < inside; c++) {
      for (let p = 0; p < size; p++) {
        for (let q = 0; q < size; q++) {
          const [y, z] = [i * stride + p - pad, j * stride + q - pad];
          if (y < 0 || z < 0 || y >= x.h || z >= x.w) continue;
          sum += get(x, first + c, y, z) * kernel[((f * inside + c) * size + p) * size + q];
        }
      }
    }
    return act(activation, normalize(sum, norm, f) + bias[f]);
  });
}

/** By scales, means and variances. */
function normalize(x: number, norm: readonly Float64Array[] | undefined, f: number): number {
  if (norm === undefined) return x;
  const [scale, mean, variance] = norm;
  return (x - mean[f]) / Math.sqrt(variance[f] + 1e-5) * scale[f];
}

function connect(x: Plain, { number, take, activation }: Reading): Plain {
  const n = number("output", 1);
  const bias = take(n);
  const kernel = take(n * x.values.length);
  const isNormalized = number("batch_normalize", 0) === 1;
  const norm = isNormalized ? [take(n), take(n), take(n)] : undefined;
  return make([n, 1, 1], (f) => {
    const sum = x.values.reduce((s, v, i) => s + v * kernel[f * x.values.length + i], 0);
    return act(activation, normalize(sum, norm, f) + bias[f]);
  });
}

function pool(x: Plain, number: Reading["number"]): Plain {
  const stride = number("stride", 1);
  const size = number("size", stride);
  const padding = number("padding", size - 1);
  const offset = Math.trunc(padding / 2);
  const out = (length: number) => Math.floor((length + padding - size) / stride) + 1;
  return make([x.c, out(x.h), out(x.w)], (c, i, j) => {
    let most = -Infinity;
    for (let p = 0; p < size; p++) {
      for (let q = 0; q < size; q++) {
        const [y, z] = [i * stride + p - offset, j * stride + q - offset];
        if (y >= 0 && z >= 0 && y < x.h && z < x.w) most = Math.max(most, get(x, c, y, z));
      }
    }
    return most;
  });
}

function act(activation: string, x: number): number {
  switch (activation) {
    case "leaky":
      return x > 0 ? x : 0.1 * x;
    case "relu":
      return Math.max(0, x);
    case "relu6":
      return Math.min(6, Math.max(0, x));
    case "logistic":
      return 1 / (1 + Math.exp(-x));
    case "tanh":
      return Math.tanh(x);
    case "elu":
      return x >= 0 ? x : Math.exp(x) - 1;
    case "selu":
      return x >= 0 ? 1.0507 * x : 1.0507 * 1.6732 * (Math.exp(x) - 1);
    case "mish":
      return x * Math.tanh(Math.log1p(Math.exp(x)));
    case "swish":
      return x / (1 + Math.exp(-x));
    default:
      return x;
  }
}
