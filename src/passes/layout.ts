/**
 * Goes from TF.js's channels-last layout to ONNX's channels-first one, where that is free.
 *
 * Lowered convolutions and pools stand between a Transpose to channels-first and one back. Walking the graph in order,
 * each value is known in channels-last form, in channels-first form, or both: a Transpose only renames one form into
 * the other, operators that do not care about the order of axes are computed in channels-first form when that is the
 * only one that an input has, and a Transpose is written only where an operator needs the form that is missing.
 */
import type { Graph, Node } from "../onnx/graph.ts";
import { indexOf } from "../onnx/index.ts";
import { type Forms, layoutRuleOf } from "./_layout_rules.ts";
import { GraphWriter } from "../onnx/writer.ts";
import { holds } from "./conditions.ts";
import { definePass, type Pass } from "./pass.ts";

/** Permutation that takes [n, …, c] to [n, c, …]. */
export function toChannelsFirst(rank: number): number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
}

/** Permutation that takes [n, c, …] to [n, …, c]. */
export function toChannelsLast(rank: number): number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}

/** Removes the Transposes between layouts that operators can do without. */
export const channelsFirst: Pass = definePass({ name: "channelsFirst", ensures: [holds.channelsFirst], rewrite });

function rewrite(graph: Graph): Graph {
  const forms = new LayoutForms(new GraphWriter(graph));
  const index = indexOf(graph);
  for (const node of graph.nodes) {
    // What is in front of a convolution is to stand right in front of it, behind the Transpose.
    const uses = node.op === "Pad" || keepsEnds(node, forms) ? index.uses(node.outputs[0]) : [];
    if (uses.length > 0 && uses.every(isToChannelsFirst)) forms.preferFirst(node.inputs[0]);
    lowerNode(node, forms);
  }
  for (const output of graph.outputs) forms.define(output);
  return forms.out.finish();
}

/** Whether `node` divides anew the axes between batch and channels, as a sequence becomes a picture of height 1. */
function keepsEnds({ op, inputs, outputs }: Node, { out }: LayoutForms): boolean {
  if (op !== "Reshape") return false;
  const [before, after] = [inputs[0], outputs[0]].map((name) => out.typeOf(name).shape);
  return before.length >= 3 && after.length >= 3 && before[0] === after[0] && before.at(-1) === after.at(-1);
}

function isToChannelsFirst({ op, attrs }: Node): boolean {
  if (op !== "Transpose") return false;
  const perm = attrs.perm as readonly number[];
  return perm.length >= 3 && isSame(perm, toChannelsFirst(perm.length));
}

function lowerNode(node: Node, forms: LayoutForms): void {
  const { out } = forms;
  forms.reader = node;
  if (node.op === "Transpose") {
    const perm = node.attrs.perm as readonly number[];
    if (isToChannelsFirst(node)) {
      return forms.alias(node.outputs[0], "last", () => forms.first(node.inputs[0]));
    }
    if (perm.length >= 3 && isSame(perm, toChannelsLast(perm.length))) {
      return forms.alias(node.outputs[0], "first", () => forms.last(node.inputs[0]));
    }
  }
  const rule = layoutRuleOf(node);
  if (rule !== undefined && node.inputs.some((name) => forms.isFirstOnly(name))) {
    const moved = rule(node, forms);
    if (moved !== undefined) {
      const outputs = moved.keepsLayout ? node.outputs.map((name) => forms.nameFirst(name)) : node.outputs;
      if (moved.keepsLayout) {
        for (const name of node.outputs) {
          const { dtype, shape } = out.typeOf(name);
          out.types.set(forms.nameFirst(name), { dtype, shape: toChannelsFirst(shape.length).map((i) => shape[i]) });
        }
      }
      return out.push({ ...node, inputs: moved.inputs, attrs: moved.attrs ?? node.attrs, outputs });
    }
  }
  out.push({ ...node, inputs: node.inputs.map((name) => name === "" ? "" : forms.last(name)) });
}

/** Which forms of each value exist so far. Values are channels-last under their own name unless noted otherwise. */
class LayoutForms implements Forms {
  /** Value → name of its channels-first form. */
  readonly #first = new Map<string, string>();
  /** Value → name of its channels-last form, where that is another value's name or not there yet (undefined). */
  readonly #last = new Map<string, string | undefined>();

  readonly #preferred = new Set<string>();
  /** The node that is being placed: Transposes written for it belong to its layer. */
  reader: Node | undefined;

  constructor(readonly out: GraphWriter) {}

  /** Whether `name` has a channels-first form and no other. */
  isFirstOnly(name: string): boolean {
    return this.#preferred.has(name) || (this.#last.has(name) && this.#last.get(name) === undefined);
  }

  /** Makes operators that read `name` next be computed channels-first, as if it had no other form. */
  preferFirst(name: string): void {
    this.first(name);
    this.#preferred.add(name);
  }

  /** Returns the name that the channels-first form of `name`, computed by the next node, will have. */
  nameFirst(name: string): string {
    const known = this.#first.get(name);
    if (known !== undefined) return known;
    const first = this.out.fresh(`${name}_cf`);
    this.#first.set(name, first);
    this.#last.set(name, undefined);
    return first;
  }

  /** Makes a Transpose's output, in form `form`, a second name of the input in the other form. */
  alias(output: string, form: "first" | "last", source: () => string): void {
    if (form === "last") this.#last.set(output, source());
    else {
      // `output` in channels-last form is the transposed input; in channels-first form it is the input itself.
      this.#first.set(output, source());
      this.#last.set(output, undefined);
    }
  }

  /** Returns the channels-last form of `name`, transposing if it has only the other. */
  last(name: string): string {
    if (!this.#last.has(name)) return name;
    const known = this.#last.get(name);
    if (known !== undefined) return known;
    const first = this.#first.get(name)!;
    const { shape } = this.out.typeOf(first);
    this.#move(first, toChannelsLast(shape.length), name);
    this.#last.set(name, name);
    return name;
  }

  /** Returns the channels-first form of `name`, transposing if it has only the other. */
  first(name: string): string {
    const known = this.#first.get(name);
    if (known !== undefined) return known;
    const last = this.last(name);
    const { shape } = this.out.typeOf(last);
    const first = this.#move(last, toChannelsFirst(shape.length), this.out.fresh(`${name}_cf`));
    this.#first.set(name, first);
    return first;
  }

  /** Returns `name`, an operand broadcast against values of `rank`, with its axes in channels-first order. */
  operand(name: string, rank: number): string {
    if (name === "") return name;
    if (this.out.typeOf(this.#first.get(name) ?? this.last(name)).shape.length === rank) return this.first(name);
    const last = this.last(name);
    const { shape, constant } = this.out.typeOf(last);
    if (shape.length === 0) return last;
    const full = [...Array<number>(rank - shape.length).fill(1), ...shape];
    const target = toChannelsFirst(rank).map((i) => full[i]);
    if (constant !== undefined && shape.length === 1) {
      return this.out.constant(`${name}_cf`, constant.dtype, target, constant.data);
    }
    const raised = this.out.emit("Reshape", [last, this.out.ints(`${name}_shape`, shape.length === 1 ? target : full)]);
    return shape.length === 1 ? raised : this.#move(raised, toChannelsFirst(rank), this.out.fresh(`${name}_cf`));
  }

  /** Gives graph output `name` its own name. */
  define(name: string): void {
    const last = this.last(name);
    if (last !== name) this.out.emit("Identity", [last], { output: name });
  }

  /** Permutes axes; when at most one of the moved axes is longer than 1, a Reshape does it without moving elements. */
  #move(name: string, perm: readonly number[], output: string): string {
    const { shape } = this.out.typeOf(name);
    const like = this.reader === undefined ? {} : { like: this.reader };
    const long = perm.filter((axis) => shape[axis] !== 1);
    const ordered = long.every((axis, i) => i === 0 || axis > long[i - 1]);
    if (!ordered) return this.out.emit("Transpose", [name], { attrs: { perm }, output, ...like });
    const target = this.out.ints(`${output}_shape`, perm.map((axis) => shape[axis]));
    return this.out.emit("Reshape", [name, target], { output, ...like });
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
