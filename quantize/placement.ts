/**
 * Decides where a model is quantized: which values are put on a grid, and which layers stay in float.
 *
 * Every call of a layer has a role. A value of the model is read either as it is or through its quantizer, a
 * FakeQuantize: inside a unit nobody reads through one, at its end everybody does; what a float layer or an input gives
 * is read through one by int8 layers only, so that Q/DQ close tightly around an island.
 */
import { ruleOf } from "../src/layers/mod.ts";
import type { Interval } from "../src/numbers/scheme.ts";
import {
  activationOf,
  consumersOf,
  isConstant,
  isInput,
  isOutput,
  isRelu,
  type LayerGraph,
  type LayerNode,
  layersOf,
  producerOf,
  sourceOf,
  type Unit,
  type Units,
  valuesOf,
  weightOf,
} from "../src/rewrite/mod.ts";

/** A FakeQuantize to put after a value. */
export interface Quantizer {
  /** The value that is put on the grid, called as the layer that gives it. */
  readonly of: string;
  /** What the values lie within, where that is known beforehand. */
  readonly fixed?: Interval;
  /** Whether the range starts at 0, because ReLU comes before. */
  readonly nonNegative: boolean;
}

/** A layer that runs in float, and why. */
export interface Island {
  /** The layer's name. */
  readonly layer: string;
  /** The reason, as the rest of a sentence. */
  readonly because: string;
}

/** Where a model is quantized. */
export interface Placement {
  /** In topological order. */
  readonly quantizers: readonly Quantizer[];
  /** In topological order. */
  readonly islands: readonly Island[];
  /** Whether the layer called `reader` reads `value` through its quantizer. */
  readsQuantized(reader: string, value: string): boolean;
}

type Role =
  /** What the model is given, or a constant. */
  | { readonly kind: "input" }
  /** Within a unit, and not its end. */
  | { readonly kind: "inside" }
  | { readonly kind: "quantized"; readonly fixed?: Interval; readonly nonNegative: boolean }
  /** Keeps to what it reads: a grid, or float. */
  | { readonly kind: "follows" }
  | { readonly kind: "float"; readonly because: string; readonly interval?: Interval };

/** Why a layer stays in float that a user wants there. */
export const ASKED = "it was asked to stay in float";

/** What the caller has decided beforehand. */
export interface PlacementInput extends Units {
  /** Layers that stay in float whatever they are, and why. */
  readonly kept: ReadonlyMap<string, string>;
  /** Products whose answers are put on no grid. Default: none. */
  readonly reals?: ReadonlySet<string>;
  /** Whether a product that only a sum reads is part of it, and has no grid between. Default: false. */
  readonly fusesSums?: boolean;
}

/** Decides where `graph` is quantized. */
export function placeQuantizers(graph: LayerGraph, input: PlacementInput): Placement {
  const roles = assignRoles(graph, input);
  const clipping = keptClips(graph, { roles, kept: input.kept });
  const wanting = findWanting(graph, roles);
  const onGrid = settleFollowers(graph, { roles, wanting });
  const quantizers = graph.nodes.flatMap((node) => quantizersOf(graph, node, { roles, wanting }));
  const has = new Set(quantizers.map(({ of }) => of));
  return {
    quantizers,
    islands: graph.nodes.flatMap((node) => {
      const isAbsorbed = isRelu(node.layer) && (input.kept.get(node.name) ?? ASKED) === ASKED &&
        !clipping.has(node) && isReadOnGrid(graph, node, wanting);
      return isAbsorbed ? [] : islandOf(node, { roles, onGrid });
    }),
    readsQuantized: (reader, value) => has.has(value) && (onGrid.has(sourceOf(value).node) || wanting.has(reader)),
  };
}

function assignRoles(graph: LayerGraph, input: PlacementInput): Map<string, Role> {
  const { units, ungrouped, kept, fusesSums, reals = new Set() } = input;
  const bare = reals.union(fusesSums ? summedProducts(graph, { units, kept }) : new Set<string>());
  const unitOf = new Map(units.flatMap((unit) => layersOf(unit).map((name) => [name, unit])));
  const reasons = new Map(ungrouped.map(({ layer, because }) => [layer, because]));
  const roles = new Map<string, Role>();
  for (const node of graph.nodes) {
    const unit = unitOf.get(node.name);
    const because = unit?.kind === "batch-norm" && unit.layer === node.name
      ? floatBefore(graph, node, roles)
      : undefined;
    if (because !== undefined) {
      layersOf(unit!).forEach((name) => unitOf.delete(name));
      roles.set(node.name, { kind: "float", because });
    } else {
      const role: Role = bare.has(node.name)
        ? { kind: "inside" }
        : unit === undefined
        ? ownRole(node, reasons)
        : roleIn(unit, node);
      const because = kept.get(node.name);
      roles.set(node.name, because === undefined ? role : { kind: "float", because });
    }
  }
  return roles;
}

/** Lists the ReLUs that are asked to stay in float behind what is on a grid: the grid behind one must not do its work. */
function keptClips(
  graph: LayerGraph,
  { roles, kept }: { readonly roles: ReadonlyMap<string, Role>; readonly kept: ReadonlyMap<string, string> },
): ReadonlySet<LayerNode> {
  const comesOfGrid = (node: LayerNode): boolean => {
    const source = producerOf(graph, node.inbound[0]);
    const kind = roles.get(source.name)?.kind;
    return kind === "quantized" || kind === "inside" || (kind === "follows" && comesOfGrid(source));
  };
  return new Set(
    graph.nodes.filter((node) => isRelu(node.layer) && kept.get(node.name) === ASKED && comesOfGrid(node)),
  );
}

/** Names the last layers of products that a sum takes as they are: of each sum the first that nothing else reads. */
function summedProducts(
  graph: LayerGraph,
  { units, kept }: Pick<PlacementInput, "units" | "kept">,
): ReadonlySet<string> {
  const products = new Map(
    units.filter(({ kind, activation }) => kind === "weighted" && activation === undefined).map((
      unit,
    ) => [unit.end, unit]),
  );
  const isTaken = (value: string) => {
    const { name } = producerOf(graph, value);
    const unit = products.get(name);
    return unit !== undefined && !layersOf(unit).some((layer) => kept.has(layer)) && !isOutput(graph, name) &&
      consumersOf(graph, value).length === 1;
  };
  const sums = graph.nodes.filter(({ name, layer }) => layer.className === "Add" && !kept.has(name));
  return new Set(
    sums.flatMap(({ inbound }) => inbound.filter(isTaken).slice(0, 1)).map((value) => sourceOf(value).node),
  );
}

function roleIn(unit: Unit, { name }: LayerNode): Role {
  if (name !== unit.end) return { kind: "inside" };
  return { kind: "quantized", nonNegative: unit.activation !== undefined };
}

/** Says why what `node` reads is on no grid: it would have to be put on one for this layer. */
function floatBefore(graph: LayerGraph, node: LayerNode, roles: ReadonlyMap<string, Role>): string | undefined {
  const source = producerOf(graph, node.inbound[0]);
  const { name } = source;
  const role = roles.get(name);
  if (role?.kind === "input") return `it brings "${name}" into one range, before that is put on a grid`;
  if (role?.kind === "float") return `"${name}" before it is in float`;
  return role?.kind === "follows" ? floatBefore(graph, source, roles) : undefined;
}

function ownRole(node: LayerNode, reasons: ReadonlyMap<string, string>): Role {
  if (isInput(node) || isConstant(node)) return { kind: "input" };
  const rule = ruleOf(node.layer);
  switch (rule.kind) {
    case "fixed":
      return { kind: "quantized", fixed: rule.interval, nonNegative: rule.interval === "unit" };
    case "same-scale":
    case "passthrough":
    case "relu":
      return { kind: "follows" };
    case "batch-norm":
      return { kind: "float", because: reasons.get(node.name) ?? rule.because };
    case "float":
      return rule;
    case "split":
      return { kind: "float", because: rule.because };
    default:
      return { kind: "quantized", nonNegative: false };
  }
}

/** Names the layers that want their inputs on a grid. */
function findWanting(graph: LayerGraph, roles: ReadonlyMap<string, Role>): Set<string> {
  const wanting = new Set<string>();
  for (const node of graph.nodes.toReversed()) {
    const kind = roles.get(node.name)?.kind;
    const isWanted = kind === "follows" && !isRelu(node.layer) &&
      readersOf(graph, node).some((reader) => wanting.has(reader.name));
    if (kind === "quantized" || kind === "inside" || isWanted) wanting.add(node.name);
  }
  return wanting;
}

/** Lists the nodes that read any value of `node`. */
function readersOf(graph: LayerGraph, node: LayerNode): readonly LayerNode[] {
  return valuesOf(node).flatMap((value) => consumersOf(graph, value));
}

/**
 * Names the layers whose output everyone finds on a grid, and gives a ReLU that reads a grid one of its own.
 *
 * A ReLU behind a float layer stays with it: the grid comes after both.
 */
function settleFollowers(
  graph: LayerGraph,
  { roles, wanting }: { roles: Map<string, Role>; wanting: Set<string> },
): Set<string> {
  const onGrid = new Set<string>();
  for (const node of graph.nodes) {
    const kind = roles.get(node.name)?.kind;
    const follows = kind === "follows" && (onGrid.has(sourceOf(node.inbound[0]).node) || wanting.has(node.name));
    if (kind === "quantized" || follows) onGrid.add(node.name);
    if (follows && isRelu(node.layer)) {
      roles.set(node.name, { kind: "quantized", nonNegative: true });
      wanting.add(node.name);
    }
  }
  return onGrid;
}

function quantizersOf(
  graph: LayerGraph,
  node: LayerNode,
  { roles, wanting }: { roles: ReadonlyMap<string, Role>; wanting: ReadonlySet<string> },
): readonly Quantizer[] {
  const role = roles.get(node.name);
  if (role === undefined || role.kind === "inside") return [];
  if (role.kind === "quantized") {
    const { fixed, nonNegative } = role;
    return valuesOf(node).map((of) => ({ of, nonNegative, ...(fixed === undefined ? {} : { fixed }) }));
  }
  // A layer that follows a grid needs none of its own; in float it is part of an island.
  if (role.kind === "follows" && !isRelu(node.layer)) return [];
  const interval = role.kind === "float" ? role.interval : undefined;
  const known = interval === undefined
    ? { nonNegative: isNonNegative(node) }
    : { fixed: interval, nonNegative: interval === "unit" };
  return valuesOf(node)
    .filter((value) => consumersOf(graph, value).some((reader) => wanting.has(reader.name)))
    .map((of) => ({ of, ...known }));
}

function isNonNegative(node: LayerNode): boolean {
  const { layer } = node;
  if (isConstant(node)) return weightOf(layer, "value").data.every((x) => x >= 0);
  return ["relu", "relu6", "clipped_relu", "softmax", "sigmoid"].includes(activationOf(layer)?.name ?? "");
}

/** Whether all read `node` through its quantizer, which cuts off what a ReLU does. */
function isReadOnGrid(graph: LayerGraph, node: LayerNode, wanting: ReadonlySet<string>): boolean {
  const readers = readersOf(graph, node);
  return !isOutput(graph, node.name) && readers.length > 0 && readers.every(({ name }) => wanting.has(name));
}

function islandOf(
  node: LayerNode,
  { roles, onGrid }: { roles: ReadonlyMap<string, Role>; onGrid: ReadonlySet<string> },
): readonly Island[] {
  const role = roles.get(node.name);
  if (role?.kind === "float") return [{ layer: node.name, because: role.because }];
  const isRider = role?.kind === "follows" && !onGrid.has(node.name) && ruleOf(node.layer).kind !== "passthrough";
  return isRider ? [{ layer: node.name, because: `"${sourceOf(node.inbound[0]).node}" before it is in float` }] : [];
}
