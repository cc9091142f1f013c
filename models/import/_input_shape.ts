/** Shapes of inputs that a graph leaves open in part. */
import { suggestName } from "../../src/text/nearest.ts";
import { cannotLoad } from "./_model_json.ts";

/** What is known of an input, and what is asked for. */
export interface OpenInput {
  readonly name: string;
  /** Of the model. */
  readonly path: string;
  /** As the graph has it, the batch first; what is no number above 0 is open. */
  readonly shape: readonly (number | string)[];
  /** The shape that is asked for. */
  readonly asked: readonly number[] | undefined;
  /** Height and width of pictures where they are open. */
  readonly side: number | undefined;
}

/** Samples that a model of any number of them is looked at with: with 1, an axis of one element could be the batch. */
const BATCH = 2;

/** @throws {ModelFileError} If a shape is asked for of an input that there is not. */
export function checkShapeNames(
  shapes: Readonly<Record<string, readonly number[]>>,
  { of, path }: { readonly of: readonly string[]; readonly path: string },
): void {
  const stranger = Object.keys(shapes).find((name) => !of.includes(name));
  if (stranger === undefined) return;
  throw cannotLoad(path, `--shape is of an input "${stranger}", ${suggestName(stranger, of)}`);
}

/** @throws {ModelFileError} If a shape that is asked for is another than what is known of the input's. */
export function checkAsked({ name, path, shape, asked }: Omit<OpenInput, "side">): void {
  if (asked === undefined || !contradicts(asked, shape)) return;
  throw cannotLoad(path, `its input "${name}" is [${shape}], it cannot be [${asked}] (--shape ${name}=…)`);
}

/**
 * Returns the shape that an input is given.
 *
 * @throws {ModelFileError} If more than the batch is open and nobody says how large it is, or what is asked for is not what
 *   the graph says.
 */
export function inputShapeOf({ side, ...input }: OpenInput): number[] {
  checkAsked(input);
  const { name, path, shape, asked } = input;
  const given = (asked ?? shape).map((size) => typeof size === "number" && size > 0 ? size : undefined);
  // Where one axis of a sequence alone is open, it is the batch: PyTorch's recurrent nets have it second.
  const isOneOpen = given.length < 4 && given.filter((size) => size === undefined).length === 1;
  const known = isOneOpen ? given.map((size) => size ?? BATCH) : given;
  const [batch = BATCH, ...rest] = known;
  const isPicture = rest.length === 3 && rest.filter((size) => size !== undefined).length === 1 &&
    (rest[0] === undefined || rest[2] === undefined);
  const filled = isPicture ? rest.map((size) => size ?? side) : rest;
  const whole = filled.filter((size) => size !== undefined);
  if (known.length > 0 && whole.length === filled.length) return checkSize([batch, ...whole], input);
  const open = shape.map((size, i) => known[i] ?? (typeof size === "string" ? size : "?"));
  throw cannotLoad(path, `its input "${name}" is [${open}], needed are numbers behind the batch (--shape ${name}=1,…)`);
}

/** Most numbers of an input that a model is looked at with. */
const MOST_NUMBERS = 2 ** 28;

function checkSize(shape: number[], { name, path }: Pick<OpenInput, "name" | "path">): number[] {
  const size = shape.reduce((product, side) => product * side, 1);
  if (size <= MOST_NUMBERS) return shape;
  throw cannotLoad(path, `its input "${name}" is [${shape}], at most ${MOST_NUMBERS} numbers are needed`);
}

/** Whether a shape is another than what is known of it; the batch may be whatever it likes. */
function contradicts(asked: readonly number[], shape: readonly (number | string)[]): boolean {
  return asked.length !== shape.length ||
    asked.some((size, i) => i > 0 && typeof shape[i] === "number" && shape[i] > 0 && shape[i] !== size);
}
