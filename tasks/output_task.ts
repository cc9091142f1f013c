/** Tasks that train one output, which is most of them. */
import { type Answer, widthOf } from "../models/answers.ts";
import type { Port } from "../models/ports.ts";
import { suggestName } from "../src/text/nearest.ts";
import type { Section } from "./section.ts";
import type { BoundTask, ComparedMetric, Head, Judged, JudgedAll, Metric, Shown, Task, TaskAgreement } from "./task.ts";

/** Which output a task trains, and how much it counts. */
export interface OutputOptions {
  /** The output's name. Default: the model's only one. */
  readonly output?: string;
  /** Factor of the loss beside those of other outputs. Default 1. */
  readonly weight?: number;
}

/** What a task makes of the output that it is bound to. */
export interface OutputTask {
  readonly head: Omit<Head, "task" | "weight">;
  /** The first is the task's own. */
  readonly metrics: readonly Metric[];
  /** What a report shows besides; `shown` knows all outputs by name. Default: nothing. */
  readonly sections?: (judged: Judged, shown?: Shown) => readonly Section[];
  /** Counts how often two models come to the same, see `BoundTask`. Default: its head's `sameAnswer` says all. */
  readonly agreement?: (a: Answer, b: Answer) => TaskAgreement;
  /** Makes of answers what a program is after: see `BoundTask`. */
  readonly decode?: (answer: Answer) => unknown;
  /** Fields of the task's own for a report, from its metrics. Default: none. */
  readonly fields?: (metrics: readonly ComparedMetric[]) => Readonly<Record<string, unknown>>;
}

/**
 * Makes a task of one output.
 *
 * @param bind Says what the output learns, or throws a TypeError that says what it should be.
 */
export function outputTask(
  name: string,
  { output, weight = 1 }: OutputOptions,
  bind: (port: Port, doing: string) => OutputTask,
): Task {
  if (!(weight > 0 && Number.isFinite(weight))) {
    throw new RangeError(`Cannot make the task "${name}": its weight is ${weight}, needed is a number above 0`);
  }
  return {
    name,
    bind(ports, model) {
      const doing = `train "${model}" by ${name}`;
      const port = portOf(ports, { output, doing });
      const { head, ...rest } = bind(port, doing);
      return bound(name, port.name, { ...rest, head: { ...head, task: name, weight } });
    },
  };
}

function bound(
  name: string,
  output: string,
  { head, metrics, sections = () => [], fields = () => ({}), agreement, decode }: Omit<OutputTask, "head"> & {
    readonly head: Head;
  },
): BoundTask {
  return {
    name,
    heads: { [output]: head },
    metrics: metrics.map(({ chance, measure, scores, measureDraws, ...info }) => ({
      ...info,
      output,
      measure: (judged) => measure(judgedOf(judged, output)),
      scores: (judged) => scores(judgedOf(judged, output)),
      ...(measureDraws === undefined ? {} : { measureDraws: (judged) => measureDraws(judgedOf(judged, output)) }),
      ...(chance === undefined
        ? {}
        : { chance: ({ answers, targets }) => chance(targets[output], widthOf(answers[output])) }),
    })),
    left: [],
    ...(agreement === undefined ? {} : { agreement: (a, b) => agreement(a[output], b[output]) }),
    ...(decode === undefined ? {} : { decode: (answers) => decode(answers[output]) }),
    sections: (judged, shown) => sections(judgedOf(judged, output), shown),
    fields: (metrics) => fields(metrics.filter((metric) => metric.output === output)),
  };
}

function judgedOf({ answers, targets }: JudgedAll, output: string): Judged {
  return { answer: answers[output], targets: targets[output] };
}

function portOf(
  ports: readonly Port[],
  { output, doing }: { readonly output: string | undefined; readonly doing: string },
): Port {
  const names = ports.map(({ name }) => name);
  if (output === undefined) {
    if (ports.length === 1) return ports[0];
    const given = ports.length === 0 ? "no output" : `the outputs ${names.map((name) => `"${name}"`).join(" and ")}`;
    throw new TypeError(`Cannot ${doing}: it has ${given}, the name of one is needed`);
  }
  const port = ports.find(({ name }) => name === output);
  if (port !== undefined) return port;
  throw new RangeError(`Cannot ${doing}: it has no output "${output}", ${suggestName(output, names)}`);
}

/** Writes a shape for messages, the samples included: "[?,10]". */
export function describePort({ shape }: Port): string {
  return `[${["?", ...shape.map((dim) => dim ?? "?")]}]`;
}
