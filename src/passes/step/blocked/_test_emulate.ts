/**
 * Operators on blocked channels, written out as standard ones: what blocks of any size compute can be seen on any machine.
 *
 * ONNX Runtime's own operators take the machine's block alone. The order of elements is theirs
 * (core/mlas/lib/reorder.cpp): pictures [n, c/b, h, w, b], filters [out/b, in/b, kh, kw, b in, b out].
 */
import assert from "node:assert/strict";
import type { Graph, Node } from "../../../onnx/graph.ts";
import { BLOCKED_DOMAIN } from "../../../onnx/schema/mod.ts";
import { GraphWriter } from "../../../onnx/writer.ts";

/** Returns `graph` with every operator on blocks of `block` channels written out. */
export function emulateBlocks(graph: Graph, block: number): Graph {
  const out = new GraphWriter(graph);
  for (const node of graph.nodes) {
    if (node.domain === BLOCKED_DOMAIN) new Emulation(out, block).write(node);
    else out.push(node);
  }
  return out.finish();
}

class Emulation {
  constructor(readonly out: GraphWriter, readonly block: number) {}

  write(node: Node): void {
    const { op, inputs: [x], outputs: [output], attrs } = node;
    switch (op) {
      case "ReorderInput": {
        const [n, , h, w] = this.#shape(x);
        const [, channels] = this.#shape(output);
        // ReorderInput takes channels by fours.
        assert.equal(this.#shape(x)[1] % 4, 0);
        this.#toBlocks(this.#padEnd(x, channels), [n, channels, h, w], output);
        return;
      }
      case "ReorderOutput": {
        const plain = this.#first(this.#toPlain(x), attrs.channels as number);
        if (attrs.channels_last === 1) this.out.emit("Transpose", [plain], { attrs: { perm: [0, 2, 3, 1] }, output });
        else this.out.emit("Identity", [plain], { output });
        return;
      }
      case "Conv":
        return this.#conv(node);
      default: {
        const pooled = this.out.emit(op, [this.#toPlain(x)], { attrs });
        this.#toBlocks(pooled, this.#shape(output), output);
      }
    }
  }

  #conv({ inputs: [x, filter, bias = "", sum = ""], outputs: [output], attrs }: Node): void {
    const { activation, ...rest } = attrs;
    const [, channels] = this.#shape(x);
    const picture = channels % this.block === 0 ? this.#toPlain(x) : x;
    const inputs = [picture, this.#filter(filter), ...(bias === "" ? [] : [bias])];
    let y = this.out.emit("Conv", inputs, { attrs: rest });
    if (sum !== "") y = this.out.emit("Add", [y, this.#toPlain(sum)]);
    if (activation !== undefined) y = this.out.emit(activation as string, [y]);
    this.#toBlocks(y, this.#shape(output), output);
  }

  #filter(name: string): string {
    const { block } = this;
    const [outs, ins, kh, kw] = this.#shape(name);
    const [split, perm] = ins === 1
      ? [[outs / block, kh, kw, block], [0, 3, 1, 2]]
      : ins % block === 0
      ? [[outs / block, ins / block, kh, kw, block, block], [0, 5, 1, 4, 2, 3]]
      : [[outs / block, ins, kh, kw, block], [0, 4, 1, 2, 3]];
    return this.#view(this.#transpose(this.#view(name, split), perm), [outs, ins, kh, kw]);
  }

  #toPlain(name: string): string {
    const [n, channels, h, w] = this.#shape(name);
    const split = this.#view(name, [n, channels / this.block, h, w, this.block]);
    return this.#view(this.#transpose(split, [0, 1, 4, 2, 3]), [n, channels, h, w]);
  }

  #toBlocks(plain: string, [n, channels, h, w]: readonly number[], output: string): void {
    const split = this.#view(plain, [n, channels / this.block, this.block, h, w]);
    const moved = this.#transpose(split, [0, 1, 3, 4, 2]);
    this.out.emit("Reshape", [moved, this.out.ints(`${output}_shape`, [n, channels, h, w])], { output });
  }

  #padEnd(name: string, channels: number): string {
    const missing = channels - this.#shape(name)[1];
    return this.out.emit("Pad", [name, this.out.ints(`${name}_pads`, [0, 0, 0, 0, 0, missing, 0, 0])]);
  }

  #first(name: string, channels: number): string {
    const bounds = [[0], [channels], [1]].map((values, i) => this.out.ints(`${name}_${i}`, values));
    return this.out.emit("Slice", [name, ...bounds]);
  }

  #view(name: string, shape: readonly number[]): string {
    return this.out.emit("Reshape", [name, this.out.ints(`${name}_view`, shape)]);
  }

  #transpose(name: string, perm: readonly number[]): string {
    return this.out.emit("Transpose", [name], { attrs: { perm } });
  }

  #shape(name: string): readonly number[] {
    return this.out.typeOf(name).shape;
  }
}
