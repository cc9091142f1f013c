/**
 * The roofline of a training step: what its nodes compute and move, what this machine could do at best, and how far
 * each group of nodes is from that.
 *
 *     deno task roofline [--net NAME]… [--way float|qat]… [--steps N] [--threads N]
 *
 * A group's roof is the sum over its nodes of the longer one of two times: its operations at the rate of ONNX Runtime's
 * matrix product, its bytes at that of adding large arrays, both measured in the same run. Values that stay in the cache
 * can be faster than that roof.
 */
import { parseArgs } from "node:util";
import { Session } from "../../src/runtime/session.ts";
import { encodeModel } from "../../src/onnx/file/mod.ts";
import { GraphBuilder } from "../../src/onnx/writer.ts";
import { sizeOf } from "../../src/onnx/graph.ts";
import type { Way } from "./_one_way.ts";
import { runWay } from "./_process.ts";
import { NETS, netTask } from "./_task.ts";
import { GROUPS, readTrace, type TracedNode } from "./_trace.ts";

/** Nodes in a row, so that what goes in and comes out of a session does not count. */
const CHAIN = 16;

/** What the machine can do, a second. */
interface Peak {
  readonly flops: number;
  readonly bytes: number;
}

/** The ways that run on this backend. */
const WAYS = ["float", "qat"] as const satisfies readonly Way[];

interface Options {
  readonly steps: number;
  readonly threads: number;
  readonly peak: Peak;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      net: { type: "string", multiple: true, default: NETS.map(({ name }) => name) },
      way: { type: "string", multiple: true, default: [...WAYS] },
      steps: { type: "string", default: "12" },
      threads: { type: "string", default: `${navigator.hardwareConcurrency}` },
    },
  });
  const [steps, threads] = [values.steps, values.threads].map(Number);
  const peak = measurePeak(threads);
  console.log(
    `matrix product ${giga(peak.flops)} GFLOP/s, memory ${giga(peak.bytes)} GB/s, ${values.threads} threads\n`,
  );
  for (const name of values.net) {
    for (const way of values.way.map(wayOf)) await printNet(netTask(name).name, way, { peak, steps, threads });
  }
}

function wayOf(text: string): Way {
  const way = WAYS.find((way) => way === text);
  if (way !== undefined) return way;
  throw new RangeError(`Cannot draw the roofline of way "${text}": the ways are ${WAYS.join(", ")}`);
}

function giga(value: number): string {
  return (value / 1e9).toFixed(0);
}

async function printNet(name: string, way: Way, { peak, ...options }: Options): Promise<void> {
  const { medianMs } = await runWay(name, way, options);
  const directory = await Deno.makeTempDir({ dir: ".", suffix: ".tmp" });
  try {
    await runWay(name, way, { ...options, profile: `${directory}/step` });
    const nodes = await readTrace(directory);
    const roof = roofMs(nodes, peak);
    console.log(`${name}, ${way}: ${medianMs.toFixed(1)} ms a step, ${(medianMs / roof).toFixed(2)} of the roof`);
    console.log("                            nodes       ms    GFLOP       GB     roof  ms/roof");
    for (const group of GROUPS) printRow(group, nodes.filter((node) => node.group === group), peak);
    printRow("all, as traced", nodes, peak);
    console.log();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function printRow(label: string, nodes: readonly TracedNode[], peak: Peak): void {
  const [ms, flops, bytes] = (["ms", "flops", "bytes"] as const).map((key) => total(nodes, key));
  const roof = roofMs(nodes, peak);
  const cells = [
    `${nodes.length}`,
    ms.toFixed(1),
    (flops / 1e9).toFixed(2),
    (bytes / 1e9).toFixed(2),
    roof.toFixed(1),
    nodes.length === 0 ? "" : (ms / roof).toFixed(2),
  ];
  console.log(`  ${label.padEnd(26)}${cells[0].padStart(5)}${cells.slice(1).map((cell) => cell.padStart(9)).join("")}`);
}

function total(nodes: readonly TracedNode[], key: "ms" | "flops" | "bytes"): number {
  return nodes.reduce((sum, node) => sum + node[key], 0);
}

function roofMs(nodes: readonly TracedNode[], peak: Peak): number {
  return 1000 * nodes.reduce((sum, { flops, bytes }) => sum + Math.max(flops / peak.flops, bytes / peak.bytes), 0);
}

/** Times products of matrices and sums of arrays that fit no cache. */
function measurePeak(threads: number): Peak {
  const [size, length] = [1536, 1 << 24];
  const product = secondsOf("MatMul", [size, size], threads);
  const sum = secondsOf("Add", [length], threads);
  return { flops: 2 * size ** 3 / product, bytes: 3 * 4 * length / sum };
}

/** Seconds that a node takes at best; both its inputs have `shape`. */
function secondsOf(op: string, shape: readonly number[], threads: number): number {
  const b = new GraphBuilder();
  const [x, y] = ["x", "y"].map((input) => b.input("float32", shape, input));
  let chain = x;
  for (let i = 0; i < CHAIN; i++) chain = b.node(op, [chain, y]);
  const { name } = b.node("ReduceMax", [chain], { keepdims: 0 });
  const session = new Session(encodeModel(b.build("peak", [name])), { threads });
  const tensor = () => ({ dtype: "float32", shape, data: new Float32Array(sizeOf(shape)) }) as const;
  const feeds = { x: tensor(), y: tensor() };
  const times = Array.from({ length: 6 }, () => {
    const start = performance.now();
    session.run(feeds);
    return (performance.now() - start) / 1000 / CHAIN;
  });
  session.dispose();
  return Math.min(...times);
}
