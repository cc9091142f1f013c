/** What the sections of a configuration compute, with shapes: everything is checked before a layer is made. */
import type { BoxSize } from "../../anchors.ts";
import { type DetectionKind, isReach } from "../../detection.ts";
import { choiceOf, integerOf, numbersOf, refuse, refuseOptions, type Section } from "./_cfg.ts";

/** [height, width, channels]; [1, 1, n] of a row of numbers. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Activations, as darknet calls them. */
export const ACTIVATIONS = [
  "linear",
  "leaky",
  "relu",
  "relu6",
  "logistic",
  "tanh",
  "elu",
  "selu",
  "mish",
  "swish",
] as const;

/** One of them. */
export type DarknetActivation = typeof ACTIVATIONS[number];

/** What one section computes. */
export type Spec =
  & { readonly section: Section; readonly shape: Shape; readonly from: readonly number[] }
  & (
    | {
      readonly kind: "convolutional";
      readonly size: number;
      readonly stride: number;
      /** Rows and columns of zeros on each side. */
      readonly padding: number;
      readonly groups: number;
      readonly isNormalized: boolean;
      readonly activation: DarknetActivation;
    }
    | { readonly kind: "connected"; readonly isNormalized: boolean; readonly activation: DarknetActivation }
    | { readonly kind: "maxpool"; readonly size: number; readonly stride: number; readonly padding: number }
    | { readonly kind: "shortcut"; readonly activation: DarknetActivation }
    | { readonly kind: "upsample"; readonly stride: number }
    | { readonly kind: "dropout"; readonly rate: number }
    | {
      readonly kind: "route";
      /** Equal parts that the channels of each layer are in; the one that is read. */
      readonly groups: number;
      readonly group: number;
    }
    | { readonly kind: "avgpool" | "softmax" | "cost" }
    | {
      readonly kind: "boxes";
      readonly head: DetectionKind;
      readonly anchors: readonly BoxSize[];
      readonly classes: number;
      /** Widths of a cell that its centres lie in. */
      readonly reach: number;
    }
  );

/** A net as its configuration has it. */
export interface Plan {
  /** Of the picture. */
  readonly input: Shape;
  readonly specs: readonly Spec[];
}

/** The input's place among those that sections read from. */
export const INPUT = -1;

/** Larger pictures and layers are mistakes. */
const MOST_NUMBERS = 2 ** 28;

/**
 * Says what a net computes.
 *
 * @throws {ModelFileError} If a section or an option is not known, or shapes do not fit together; the first is named.
 */
export function planOf(sections: readonly Section[], path: string): Plan {
  const [net, ...rest] = sections;
  if (net === undefined || (net.kind !== "net" && net.kind !== "network")) {
    return refuse(
      net ?? { kind: "", index: 0, line: 1, options: new Map(), path },
      "needed is [net] as the first section",
    );
  }
  const input: Shape = [
    integerOf(net, "height", { most: 8192 }),
    integerOf(net, "width", { most: 8192 }),
    integerOf(net, "channels", { most: 4096 }),
  ];
  const specs: Spec[] = [];
  for (const section of rest) {
    const make = Object.hasOwn(MAKERS, section.kind) ? MAKERS[section.kind] : undefined;
    if (make === undefined) {
      refuse(section, `it cannot be imported, needed is one of ${Object.keys(MAKERS).join(", ")}`);
    }
    const spec = make({ section, specs, input });
    const [height, width, channels] = spec.shape;
    if (height < 1 || width < 1) refuse(section, `its output is ${height}x${width}, nothing is left of the picture`);
    if (height * width * channels > MOST_NUMBERS) {
      refuse(section, `its output has ${height}x${width}x${channels} numbers`);
    }
    specs.push(spec);
  }
  if (specs.length === 0) refuse(net, "it has no layers behind it");
  return { input, specs };
}

interface Making {
  readonly section: Section;
  /** Of the sections before. */
  readonly specs: readonly Spec[];
  readonly input: Shape;
}

const MAKERS: Readonly<Record<string, (making: Making) => Spec>> = {
  convolutional,
  conv: convolutional,
  connected,
  conn: connected,
  maxpool,
  max: maxpool,
  avgpool: (making) => ({ ...before(making), kind: "avgpool", shape: [1, 1, before(making).shape[2]] }),
  avg: (making) => ({ ...before(making), kind: "avgpool", shape: [1, 1, before(making).shape[2]] }),
  route,
  shortcut,
  upsample,
  dropout: (making) => ({ ...before(making), kind: "dropout", rate: rateOf(making.section) }),
  softmax: (making) => {
    refuseOptions(making.section, { groups: "1", spatial: "0", temperature: "1" });
    return { ...before(making), kind: "softmax" };
  },
  cost: (making) => ({ ...before(making), kind: "cost" }),
  yolo: (making) => boxes(making, "yolov3"),
  region: (making) => boxes(making, "region"),
};

/** What a section reads where it does not say: the section before. */
function before({ section, specs, input }: Making): Pick<Spec, "section" | "from" | "shape"> {
  const last = specs.length - 1;
  return { section, from: [last], shape: specs[last]?.shape ?? input };
}

function activationOf(section: Section, otherwise: DarknetActivation): DarknetActivation {
  return choiceOf(section, "activation", { of: ACTIVATIONS, otherwise });
}

function isNormalized(section: Section): boolean {
  return integerOf(section, "batch_normalize", { otherwise: 0, least: 0, most: 1 }) === 1;
}

function convolutional(making: Making): Spec {
  const { section, shape: [height, width, channels], from } = before(making);
  refuseOptions(section, { binary: "0", xnor: "0", dilation: "1", antialiasing: "0", share_index: "0", flipped: "0" });
  const size = integerOf(section, "size", { otherwise: 1, most: 64 });
  const stride = integerOf(section, "stride", { otherwise: 1, most: 64 });
  const isPadded = integerOf(section, "pad", { otherwise: 0, least: 0, most: 1 }) === 1;
  const padding = isPadded ? Math.floor(size / 2) : integerOf(section, "padding", { otherwise: 0, least: 0, most: 64 });
  const filters = integerOf(section, "filters", { otherwise: 1 });
  const groups = integerOf(section, "groups", { otherwise: 1 });
  if (channels % groups !== 0 || filters % groups !== 0) {
    refuse(section, `${groups} groups part neither ${channels} channels nor ${filters} filters evenly`);
  }
  const side = (length: number) => Math.floor((length + 2 * padding - size) / stride) + 1;
  return {
    section,
    from,
    kind: "convolutional",
    shape: [side(height), side(width), filters],
    size,
    stride,
    padding,
    groups,
    isNormalized: isNormalized(section),
    activation: activationOf(section, "logistic"),
  };
}

function connected(making: Making): Spec {
  const { section, from } = before(making);
  const output = integerOf(section, "output", { otherwise: 1 });
  const activation = activationOf(section, "logistic");
  return { section, from, kind: "connected", shape: [1, 1, output], isNormalized: isNormalized(section), activation };
}

function maxpool(making: Making): Spec {
  const { section, shape: [height, width, channels], from } = before(making);
  refuseOptions(section, { maxpool_depth: "0", antialiasing: "0" });
  const stride = integerOf(section, "stride", { otherwise: 1, most: 64 });
  const size = integerOf(section, "size", { otherwise: stride, most: 64 });
  const padding = integerOf(section, "padding", { otherwise: size - 1, least: 0, most: 64 });
  if (padding >= 2 * size) refuse(section, `"padding" is ${padding}, less than twice its size of ${size} is needed`);
  const side = (length: number) => Math.floor((length + padding - size) / stride) + 1;
  return { section, from, kind: "maxpool", shape: [side(height), side(width), channels], size, stride, padding };
}

function route(making: Making): Spec {
  const { section } = making;
  const groups = integerOf(section, "groups", { otherwise: 1 });
  const group = integerOf(section, "group_id", { otherwise: 0, least: 0, most: groups - 1 });
  const from = numbersOf(section, "layers").map((place) => placeOf(making, { place, key: "layers" }));
  const shapes = from.map((place) => making.specs[place].shape);
  const [[height, width]] = shapes;
  if (shapes.some(([h, w]) => h !== height || w !== width)) {
    refuse(
      section,
      `its layers are ${shapes.map((shape) => shape.join("x")).join(" and ")}, one height and width is needed`,
    );
  }
  const odd = shapes.find(([, , channels]) => channels % groups !== 0);
  if (odd !== undefined) refuse(section, `${groups} groups do not part ${odd[2]} channels evenly`);
  const channels = shapes.reduce((sum, [, , channels]) => sum + channels / groups, 0);
  return { section, from, kind: "route", shape: [height, width, channels], groups, group };
}

/** Returns the section that a number means: counted from [net], or back from where it stands. */
function placeOf({ section, specs }: Making, { place, key }: { readonly place: number; readonly key: string }): number {
  const found = place < 0 ? specs.length + place : place;
  if (!Number.isInteger(found) || found < 0 || found >= specs.length) {
    refuse(section, `"${key}" names layer ${place}, needed is one of the ${specs.length} before it`);
  }
  if (specs[found].kind === "boxes") refuse(section, `"${key}" names layer ${place}, whose boxes cannot be read`);
  return found;
}

function shortcut(making: Making): Spec {
  const { section, shape, from } = before(making);
  refuseOptions(section, { weights_type: "none", alpha: "1", beta: "1" });
  const others = numbersOf(section, "from").map((place) => placeOf(making, { place, key: "from" }));
  const all = [...from, ...others];
  for (const place of others) {
    const other = making.specs[place].shape;
    const step = other[0] / shape[0];
    if (Number.isInteger(step) && other[1] === step * shape[1]) continue;
    refuse(
      section,
      `it adds ${other.join("x")} to ${shape.join("x")}, needed are sides that are the same or a multiple`,
    );
  }
  if (from[0] === INPUT) refuse(section, "it stands before all layers");
  return { section, from: all, kind: "shortcut", shape, activation: activationOf(section, "linear") };
}

function upsample(making: Making): Spec {
  const { section, shape: [height, width, channels], from } = before(making);
  refuseOptions(section, { scale: "1" });
  const stride = integerOf(section, "stride", { otherwise: 2, most: 64 });
  return { section, from, kind: "upsample", shape: [height * stride, width * stride, channels], stride };
}

function rateOf(section: Section): number {
  const rate = Number(section.options.get("probability") ?? 0.5);
  if (rate >= 0 && rate < 1) return rate;
  return refuse(
    section,
    `"probability" is ${section.options.get("probability")}, needed is a number from 0 to below 1`,
  );
}

function reachOf(section: Section): number {
  if (!section.options.has("scale_x_y")) return 1;
  const [reach, ...more] = numbersOf(section, "scale_x_y");
  if (more.length === 0 && isReach(reach)) return reach;
  return refuse(section, `"scale_x_y" is "${section.options.get("scale_x_y")}", needed is a number from 1 to 4`);
}

function boxes(making: Making, head: DetectionKind): Spec {
  const { section, specs, input } = making;
  const { shape, from } = before(making);
  if (specs.length === 0) refuse(section, "it stands before all layers");
  const classes = integerOf(section, "classes", { otherwise: 20 });
  const count = integerOf(section, "num", { otherwise: 1, most: 1000 });
  refuseOptions(section, { coords: "4", new_coords: "0", softmax_tree: "0" });
  if (head === "region") refuseOptions(section, { softmax: "1" });
  const sizes = numbersOf(section, "anchors");
  if (sizes.length !== 2 * count || !sizes.every((size) => size > 0)) {
    refuse(section, `it has ${sizes.length} numbers of anchors, needed are ${2 * count} above 0 ("num" is ${count})`);
  }
  const [height, width, channels] = shape;
  // Those of the older head are counted in cells.
  const [across, down] = head === "region" ? [input[1] / width, input[0] / height] : [1, 1];
  const all = Array.from({ length: count }, (_, i): BoxSize => [across * sizes[2 * i], down * sizes[2 * i + 1]]);
  const mask = section.options.has("mask") ? numbersOf(section, "mask") : all.map((_, i) => i);
  const anchors = mask.map((i) =>
    all[i] ?? refuse(section, `"mask" names anchor ${i}, needed are whole numbers from 0 to ${count - 1}`)
  );
  const needed = anchors.length * (5 + classes);
  if (channels !== needed) {
    refuse(
      section,
      `the layer before it has ${channels} channels, for ${anchors.length} anchors of ${classes} classes ` +
        `${needed} are needed`,
    );
  }
  return { section, from, shape, kind: "boxes", head, anchors, classes, reach: reachOf(section) };
}
