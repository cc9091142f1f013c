/** Rules about types: declared for every value, and equal to what the schemas infer. */
import type { Problem } from "./problem.ts";
import type { Dim, Graph, Node, Tensor, ValueType } from "../graph.ts";
import { type InferInput, schemaOf, type StaticType } from "../schema/mod.ts";
import { printType } from "../text.ts";

/**
 * Numbers that stand for symbolic dimensions while types are inferred.
 *
 * Large primes: equal to no dimension that a model has, and no multiple of one, so that a shape in which a symbol was
 * replaced by one of its values cannot fit by chance.
 */
const PRIMES = [100_003, 100_019, 100_043, 100_049, 100_057, 100_069, 100_103, 100_109] as const;

/** Checks that each value's type is declared and is what its node computes. */
export function checkTypes(graph: Graph): readonly Problem[] {
  const symbols = new Symbols();
  const constants = constantsOf(graph);
  return [
    ...checkDeclarations(graph),
    ...graph.nodes.flatMap((node) => checkNode(node, { graph, symbols, constants })),
  ];
}

function checkDeclarations(graph: Graph): readonly Problem[] {
  const computed = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== "");
  return [...graph.inputs, ...computed].flatMap((name): readonly Problem[] => {
    const type = graph.types.get(name);
    const [rule, where] = ["declared type", `value "${name}"`] as const;
    if (type === undefined) return [{ rule, where, message: "its type is not declared" }];
    return type.shape.every(isDim) ? [] : [{ rule, where, message: `its shape is [${type.shape}]` }];
  });
}

function isDim(dim: Dim): boolean {
  return typeof dim === "string" ? dim !== "" : Number.isInteger(dim) && dim >= 0;
}

interface Context {
  readonly graph: Graph;
  readonly symbols: Symbols;
  /** Elements that shape inference may look into: constants, and shapes as they become known. */
  readonly constants: Map<string, Tensor>;
}

function checkNode(node: Node, context: Context): readonly Problem[] {
  const { graph, symbols } = context;
  const where = `node "${node.name}"`;
  const schema = schemaOf(node.op, node.domain ?? "");
  const inputs = node.inputs.map((name) => name === "" ? null : inputOf(name, context));
  // Values of unknown type and nodes of the wrong form are other rules' findings.
  if (schema === undefined || inputs.includes(undefined) || !hasArity(node, schema)) return [];
  const elements = shapeElements(node, inputs as (InferInput | null)[]);
  if (elements !== undefined) context.constants.set(node.outputs[0], elements);
  let inferred: readonly StaticType[];
  try {
    inferred = schema.infer(inputs as (InferInput | null)[], node.attrs, node.outputs.length);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return [{ rule: "inferred type", where, message: symbols.restore(error.message) }];
  }
  return node.outputs.flatMap((name, i): readonly Problem[] => {
    const declared = graph.types.get(name);
    if (declared === undefined || symbols.unify(declared, inferred[i])) return [];
    const needed = symbols.restore(printType(inferred[i]));
    const message = `it computes "${name}" as ${needed}, declared is ${printType(declared)}`;
    return [{ rule: "inferred type", where, message }];
  });
}

function hasArity(node: Node, { inputs: [least, most], outputs = [1, 1] }: NonNullable<ReturnType<typeof schemaOf>>) {
  const within = (count: number, low: number, high: number) => count >= low && count <= high;
  return within(node.inputs.length, least, most) && within(node.outputs.length, outputs[0], outputs[1]);
}

function inputOf(name: string, { graph, symbols, constants }: Context): InferInput | undefined {
  const constant = constants.get(name);
  if (constant !== undefined) return { dtype: constant.dtype, shape: constant.shape, constant };
  const type = graph.types.get(name);
  return type === undefined ? undefined : symbols.replace(type);
}

/** Returns the elements of a shape, of what is picked from one, or of several joined, as far as they are known. */
function shapeElements({ op, attrs }: Node, inputs: readonly (InferInput | null)[]): Tensor | undefined {
  const [first, second] = inputs;
  if (op === "Shape" && Object.keys(attrs).length === 0) return first ? integers(first.shape) : undefined;
  const elements = inputs.map((input) => input?.constant?.dtype === "int64" ? integersOf(input.constant) : undefined);
  if (!elements.every((list) => list !== undefined)) return undefined;
  if (op === "Concat") return integers(elements.flat());
  const picks = op === "Gather" && first?.shape.length === 1 && second?.shape.length === 1;
  return picks ? integers(elements[1].map((i) => elements[0].at(i) ?? 0)) : undefined;
}

function integers(values: readonly number[]): Tensor {
  return { dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) };
}

function integersOf({ data }: Tensor): readonly number[] {
  return Array.from<number | bigint, number>(data as BigInt64Array, Number);
}

/** Collects what shape inference may look into: initializers and Constant nodes. */
function constantsOf(graph: Graph): Map<string, Tensor> {
  const constants = new Map(graph.initializers);
  for (const { op, attrs: { value }, outputs } of graph.nodes) {
    if (op === "Constant" && typeof value === "object" && "dtype" in value) constants.set(outputs[0], value);
  }
  return constants;
}

/** The numbers that symbolic dimensions stand for: of our choice for the inputs', as inferred for those that follow. */
class Symbols {
  readonly #numbers = new Map<string, number>();

  replace({ dtype, shape }: ValueType): StaticType {
    return { dtype, shape: shape.map((dim) => typeof dim === "string" ? this.#numberOf(dim) : dim) };
  }

  /** Whether `declared` is `inferred`. A symbol that is new here from now on stands for what was inferred. */
  unify(declared: ValueType, inferred: StaticType): boolean {
    if (declared.dtype !== inferred.dtype || declared.shape.length !== inferred.shape.length) return false;
    return declared.shape.every((dim, i) => {
      if (typeof dim === "number") return dim === inferred.shape[i];
      if (!this.#numbers.has(dim)) this.#numbers.set(dim, inferred.shape[i]);
      return this.#numbers.get(dim) === inferred.shape[i];
    });
  }

  /** Puts the symbols' names back where a message has their numbers. */
  restore(message: string): string {
    let text = message;
    for (const [symbol, number] of this.#numbers) {
      if (number >= PRIMES[0]) text = text.replaceAll(String(number), symbol);
    }
    return text;
  }

  #numberOf(symbol: string): number {
    const known = this.#numbers.get(symbol);
    if (known !== undefined) return known;
    const index = this.#numbers.size;
    const number = PRIMES[index % PRIMES.length] + 1_000_000 * Math.floor(index / PRIMES.length);
    this.#numbers.set(symbol, number);
    return number;
  }
}
