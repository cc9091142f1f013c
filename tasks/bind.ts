/** Binds what a caller wants to be learned to a model's outputs: every output has one loss, or is said to be left. */
import type { Port } from "../models/ports.ts";
import { suggestName } from "../src/text/nearest.ts";
import { headOf } from "./loss.ts";
import type { BoundTask, Head, Loss, Task } from "./task.ts";

/** What is to be learned: tasks, or no more than losses. */
export interface Learning {
  /** One task, or one for each output. */
  readonly task?: Task | readonly Task[];
  /** A loss of the only output, or losses by the outputs' names: nothing is measured then but the loss. */
  readonly loss?: Loss | Readonly<Record<string, Loss>>;
  /** Outputs that nobody trains, on purpose. */
  readonly leave?: readonly string[];
}

/** Which outputs there are, and what is done to them. */
export interface BindOptions {
  /** All outputs of the model. */
  readonly outputs: readonly Port[];
  /** The model's name. */
  readonly model: string;
  /** Whether outputs may be forgotten: true where nothing is trained. Default false. */
  readonly partial?: boolean;
}

/**
 * Binds tasks and losses to the outputs of a model, before anything is trained.
 *
 * @returns One task: heads in the model's order, metrics in the order of the tasks.
 * @throws {TypeError} If an output has two losses or none, or cannot answer its task.
 * @throws {RangeError} If a name is no output's.
 */
export function bindTasks({ task = [], loss = {}, leave = [] }: Learning, options: BindOptions): BoundTask {
  const { outputs, model, partial = false } = options;
  const cannot = `Cannot train "${model}"`;
  const names = outputs.map(({ name }) => name);
  for (const name of leave) checkName(name, { names, cannot });
  const open = outputs.filter(({ name }) => !leave.includes(name));
  const tasks = [task].flat().map((one) => one.bind(open, model));
  const losses = lossesByName(loss, { open, cannot });
  for (const name of Object.keys(losses)) checkName(name, { names, cannot });
  const heads = new Map<string, Head>();
  const own = Object.entries(losses).map(([name, loss]) => [name, headOf(loss)] as const);
  for (const [name, head] of [...tasks.flatMap(({ heads }) => Object.entries(heads)), ...own]) {
    if (leave.includes(name)) throw new TypeError(`${cannot}: its output "${name}" has a loss and is to be left`);
    if (heads.has(name)) throw new TypeError(`${cannot}: its output "${name}" has two losses, exactly 1 is needed`);
    heads.set(name, head);
  }
  const untrained = open.find(({ name }) => !heads.has(name));
  if (untrained !== undefined && !partial) {
    throw new TypeError(
      `${cannot}: nobody trains its output "${untrained.name}", a loss is needed or that it is left (leave)`,
    );
  }
  return joinTasks(tasks, { own, names, leave });
}

/** What there is beside tasks. */
interface Beside {
  /** Outputs that have no more than a loss. */
  readonly own: readonly (readonly [output: string, head: Head])[];
  /** All outputs, in the model's order. */
  readonly names: readonly string[];
  readonly leave: readonly string[];
}

function joinTasks(tasks: readonly BoundTask[], beside: Beside): BoundTask {
  const { own, names, leave } = beside;
  const heads = new Map([...tasks.flatMap(({ heads }) => Object.entries(heads)), ...own]);
  return {
    name: [...new Set([...tasks.map(({ name }) => name), ...own.map(() => "loss")])].join(" and "),
    heads: Object.fromEntries(names.flatMap((name) => {
      const head = heads.get(name);
      return head === undefined ? [] : [[name, head]];
    })),
    metrics: tasks.flatMap(({ metrics }) => metrics),
    left: leave,
    ...agreementOf(tasks),
    ...decodingOf(tasks),
    ...(tasks.some(({ settle }) => settle !== undefined)
      ? { settle: (judged) => joinTasks(tasks.map((task) => task.settle?.(judged) ?? task), beside) }
      : {}),
    sections: (judged, shown) => tasks.flatMap(({ sections }) => sections(judged, shown)),
    // Of two tasks with fields of one name the first has the say.
    fields: (metrics) => Object.assign({}, ...tasks.map(({ fields }) => fields(metrics)).reverse()),
  };
}

/** The agreement of the first task that has one: counts of different things make no sum. */
function agreementOf(tasks: readonly BoundTask[]): Pick<BoundTask, "agreement"> {
  const agreement = tasks.map(({ agreement }) => agreement).find((agreement) => agreement !== undefined);
  return agreement === undefined ? {} : { agreement };
}

function decodingOf(tasks: readonly BoundTask[]): Pick<BoundTask, "decode"> {
  const all = tasks.flatMap(({ decode }) => decode ?? []);
  return all.length === 0 ? {} : { decode: (answers) => all.map((decode) => decode(answers)) };
}

function lossesByName(
  loss: NonNullable<Learning["loss"]>,
  { open, cannot }: { readonly open: readonly Port[]; readonly cannot: string },
): Readonly<Record<string, Loss>> {
  if (typeof loss !== "function") return loss;
  if (open.length === 1) return { [open[0].name]: loss };
  throw new TypeError(`${cannot}: it has ${open.length} outputs and one loss, a loss for each is needed, by name`);
}

function checkName(name: string, { names, cannot }: { readonly names: readonly string[]; readonly cannot: string }) {
  if (!names.includes(name)) {
    throw new RangeError(`${cannot}: it has no output "${name}", ${suggestName(name, names)}`);
  }
}
