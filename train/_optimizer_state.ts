/**
 * Reads and restores what an optimizer has gathered, to the bit.
 *
 * TF.js's own getWeights does not do: Adamax has none, and Adam's setWeights computes its powers of beta anew, which
 * rounds otherwise than multiplying once a step. What an optimizer of TF.js's has is in plain fields: variables, lists of
 * variables, numbers. An optimizer with fields of another kind must answer itself, by getWeights and setWeights.
 */
import * as tf from "@tensorflow/tfjs-core";

/** A tensor of an optimizer; what it is of is said by `name`. */
export interface OptimizerTensor {
  /** "field" or "field/3". */
  readonly name: string;
  readonly tensor: tf.Tensor;
  /** What TF.js calls it in a list. */
  readonly originalName?: string;
}

/** What an optimizer has gathered. */
export interface OptimizerState {
  readonly tensors: readonly OptimizerTensor[];
  /** Fields that count: how many steps were taken. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Tensors that were made to be read; the reader's to dispose of. */
  readonly made: readonly tf.Tensor[];
}

/** The field name of what an optimizer's own getWeights gave. */
const OWN = "weights";

/**
 * Returns what `optimizer` has gathered; the tensors stay its own.
 *
 * @throws {TypeError} If it has a field that nobody could give back, and no getWeights and setWeights of its own.
 */
export async function readOptimizer(optimizer: tf.Optimizer): Promise<OptimizerState> {
  if (answersItself(optimizer)) {
    const weights = await optimizer.getWeights();
    const tensors = weights.map(({ name, tensor }, i) => ({ name: `${OWN}/${i}`, tensor, originalName: name }));
    // By TF.js's custom the first is the count of steps, made on the spot; the others are variables.
    const made = weights.filter(({ name, tensor }) => name === "iter" && !(tensor instanceof tf.Variable));
    return { tensors, numbers: {}, made: made.map(({ tensor }) => tensor) };
  }
  const fields = Object.entries(optimizer).map(([name, value]) => fieldOf(optimizer, name, value));
  return {
    tensors: fields.flatMap(({ tensors = [] }) => tensors),
    numbers: Object.fromEntries(fields.flatMap(({ name, number }) => number === undefined ? [] : [[name, number]])),
    made: [],
  };
}

/** Gives `optimizer` what another of its kind had gathered. The tensors stay the caller's. */
export async function restoreOptimizer(optimizer: tf.Optimizer, { tensors, numbers }: OptimizerState): Promise<void> {
  if (answersItself(optimizer)) {
    return await optimizer.setWeights(
      tensors.map(({ tensor, originalName = "" }) => ({ name: originalName, tensor })),
    );
  }
  for (const value of Object.values(optimizer)) {
    if (!isList(value)) continue;
    // It gets as many entries as it had then, which may be none.
    tf.dispose(value.map(({ variable }) => variable));
    value.length = 0;
  }
  for (const [name, value] of Object.entries(numbers)) Reflect.set(optimizer, name, value);
  for (const from of tensors) giveBack(optimizer, from);
}

function giveBack(optimizer: tf.Optimizer, { name, tensor, originalName = "" }: OptimizerTensor): void {
  const [field, index] = name.split("/");
  const value: unknown = Reflect.get(optimizer, field);
  if (index === undefined && value instanceof tf.Variable) return value.assign(tensor);
  if (index === undefined || !isList(value)) {
    throw new TypeError(
      `Cannot restore "${name}" of the optimizer "${optimizer.getClassName()}": it has no such field`,
    );
  }
  value[Number(index)] = { originalName, variable: tf.variable(tensor, false) };
}

/** Whether an optimizer of somebody's own says how it is saved. */
function answersItself(optimizer: tf.Optimizer): boolean {
  const own = optimizer.getWeights;
  return ![tf.Optimizer, ...TFJS_OPTIMIZERS].some((kind) =>
    Object.hasOwn(kind.prototype, "getWeights") && kind.prototype.getWeights === own
  );
}

/** The optimizers of TF.js. */
export const TFJS_OPTIMIZERS: readonly { readonly prototype: tf.Optimizer }[] = [
  tf.SGDOptimizer,
  tf.MomentumOptimizer,
  tf.RMSPropOptimizer,
  tf.AdamOptimizer,
  tf.AdamaxOptimizer,
  tf.AdagradOptimizer,
  tf.AdadeltaOptimizer,
];

/** A field of an optimizer. */
interface Field {
  readonly name: string;
  readonly tensors?: readonly OptimizerTensor[];
  readonly number?: number;
}

function fieldOf(optimizer: tf.Optimizer, name: string, value: unknown): Field {
  if (value instanceof tf.Variable) return { name, tensors: [{ name, tensor: value }] };
  if (isList(value)) {
    const tensors = value.map(({ originalName, variable }, i) => ({
      name: `${name}/${i}`,
      tensor: variable,
      originalName,
    }));
    return { name, tensors };
  }
  // The rate is the schedule's or the caller's; other numbers are settings, or count.
  if (typeof value === "number") return name === "learningRate" ? { name } : { name, number: value };
  const isSetting = ["boolean", "string", "undefined", "function"].includes(typeof value) || value === null;
  // Kept scalars (`c`, `m`) are a rate and a momentum, made of the settings.
  if (isSetting || (value instanceof tf.Tensor && value.size === 1)) return { name };
  throw new TypeError(
    `Cannot write checkpoints with the optimizer "${optimizer.getClassName()}": its field "${name}" is no number, ` +
      `variable or list of variables, getWeights() and setWeights() of its own are needed`,
  );
}

/** A variable in a list of TF.js's optimizers. */
interface Entry {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

function isList(value: unknown): value is Entry[] {
  return Array.isArray(value) && value.every((entry) => Object(entry).variable instanceof tf.Variable);
}
