/**
 * Finds layers that run as one int8 op: convolution or dense, BatchNormalization, ReLU; Add and the like with ReLU; or a
 * BatchNormalization that cannot be folded, with ReLU.
 *
 * Between the layers of a unit there is no quantization; at its end there is. So every value inside may be read once
 * only, by the next layer of the unit.
 */
import { ruleOf } from "../layers/mod.ts";
import { isRelu } from "./activation.ts";
import { consumersOf, isOutput, type LayerGraph, type LayerNode } from "./layer_graph.ts";

/** Layers that run as one int8 op. */
export interface Unit {
  /**
   * "weighted": has weights of its own. "rescale": Add, Concatenate, pools and so on. "batch-norm": stands on its own, if
   * what it reads is on a grid.
   */
  readonly kind: "weighted" | "rescale" | "batch-norm";
  /** The layer that does the work, the first. */
  readonly layer: string;
  /** BatchNormalization to fold into the layer. */
  readonly batchNorm?: string;
  /** ReLU that the op absorbs. */
  readonly activation?: string;
  /** The last layer; its output is quantized. */
  readonly end: string;
}

/** Why a layer is not part of a unit that it might have been part of. */
export interface Ungrouped {
  /** The layer's name. */
  readonly layer: string;
  /** The reason, as the rest of a sentence. */
  readonly because: string;
}

/** Result of `findUnits`. */
export interface Units {
  /** In topological order of their first layers. */
  readonly units: readonly Unit[];
  /** BatchNormalization and ReLU layers left out. */
  readonly ungrouped: readonly Ungrouped[];
}

/** Finds the units of `graph`; a layer is part of one at most. Layers called in `except` are left alone. */
export function findUnits(graph: LayerGraph, except: ReadonlySet<string> = new Set()): Units {
  const units: Unit[] = [];
  const ungrouped: Ungrouped[] = [];
  const grouped = new Set<string>();
  for (const node of graph.nodes) {
    const kind = except.has(node.name) || grouped.has(node.name) ? undefined : startOf(node);
    if (kind === undefined) continue;
    const found = growUnit(graph, node, except);
    const unit: Unit = { kind, ...found.unit };
    units.push(unit);
    for (const name of layersOf(unit)) grouped.add(name);
    if (found.because !== undefined) ungrouped.push(found.because);
  }
  return { units, ungrouped };
}

/** The names of a unit's layers, in order. */
export function layersOf(unit: Unit): readonly string[] {
  return [unit.layer, unit.batchNorm, unit.activation].filter((name) => name !== undefined);
}

/** The kind of the unit that `node` may be the first layer of. */
function startOf(node: LayerNode): Unit["kind"] | undefined {
  const { kind } = ruleOf(node.layer);
  if (kind === "weighted" || kind === "rescale") return kind;
  return kind === "batch-norm" && (node.layer.config.axis ?? -1) === -1 ? kind : undefined;
}

interface Growth {
  readonly unit: Omit<Unit, "kind">;
  readonly because?: Ungrouped;
}

function growUnit(graph: LayerGraph, start: LayerNode, except: ReadonlySet<string>): Growth {
  const isWeighted = ruleOf(start.layer).kind === "weighted";
  let unit: Omit<Unit, "kind"> = { layer: start.name, end: start.name };
  for (let end = start;;) {
    const readers = consumersOf(graph, end.name).filter((node) => !except.has(node.name));
    const norm = isWeighted && end === start ? readers.find(isBatchNorm) : undefined;
    const next = norm ?? readers.find(({ layer }) => isRelu(layer));
    if (next === undefined) return { unit };
    const because = norm === undefined ? whyNot(graph, end) : whyNot(graph, end) ?? whyNotFold(start, norm);
    if (because !== undefined) return { unit, because: { layer: next.name, because } };
    unit = { ...unit, ...(norm === undefined ? { activation: next.name } : { batchNorm: next.name }), end: next.name };
    if (norm === undefined) return { unit };
    end = next;
  }
}

/** Says why nothing can be grouped with the layer after `node`. */
function whyNot(graph: LayerGraph, node: LayerNode): string | undefined {
  const { length } = consumersOf(graph, node.name);
  if (length !== 1) return `"${node.name}" feeds ${length} layers, folding needs exactly 1`;
  if (isOutput(graph, node.name)) return `"${node.name}" is a model output, folding needs its value to stay inside`;
  return undefined;
}

/** Says why `norm` cannot be folded into `layer`. */
function whyNotFold({ name, layer }: LayerNode, norm: LayerNode): string | undefined {
  // `fromModel` writes the last axis as -1.
  const axis = norm.layer.config.axis ?? -1;
  const channels = layer.config.dataFormat === "channelsFirst" ? 1 : -1;
  if (axis !== channels) return `it normalizes axis ${axis}, the channels of "${name}" are axis ${channels}`;
  return axis === -1 ? undefined : `it normalizes axis ${axis}, only the last axis can be folded`;
}

function isBatchNorm({ layer }: LayerNode): boolean {
  return ruleOf(layer).kind === "batch-norm";
}
