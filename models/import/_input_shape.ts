/** Shapes of inputs that a graph leaves open in part. */
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

/**
 * Returns the shape that an input is given.
 *
 * @throws {ModelFileError} If more than the batch is open and nobody says how large it is.
 */
export function inputShapeOf({ name, path, shape, asked, side }: OpenInput): number[] {
  const given = (asked ?? shape).map((size) => typeof size === "number" && size > 0 ? size : undefined);
  // Where one axis of a sequence alone is open, it is the batch: PyTorch's recurrent nets have it second.
  const isOneOpen = given.length < 4 && given.filter((size) => size === undefined).length === 1;
  const known = isOneOpen ? given.map((size) => size ?? BATCH) : given;
  const [batch = BATCH, ...rest] = known;
  const isPicture = rest.length === 3 && rest.filter((size) => size !== undefined).length === 1 &&
    (rest[0] === undefined || rest[2] === undefined);
  const filled = isPicture ? rest.map((size) => size ?? side) : rest;
  const whole = filled.filter((size) => size !== undefined);
  if (known.length > 0 && whole.length === filled.length) return [batch, ...whole];
  const open = shape.map((size, i) => known[i] ?? (typeof size === "string" ? size : "?"));
  throw cannotLoad(path, `its input "${name}" is [${open}], needed are numbers behind the batch (--shape ${name}=1,…)`);
}
