/** What a recipe and a target come to for each layer of a model. */
import { faultOfScheme, PER_TENSOR, perChannel, type QuantScheme } from "../src/numbers/scheme.ts";
import { codeRangeOf, isSigned } from "../src/numbers/codes.ts";
import { ruleOf } from "../src/layers/mod.ts";
import type { Range } from "../src/numbers/qparams.ts";
import type { ObserverName, WeightObserverName } from "../src/quant/mod.ts";
import {
  callsOf,
  ConstantValue,
  type LayerGraph,
  type LayerNode,
  modelCalls,
  nodeOf,
  toModel,
} from "../src/rewrite/mod.ts";
import { lookUp, nearestName, suggestName } from "../src/text/nearest.ts";
import type { LayerMatch, LayerSettings, Recipe, RecipeRule, SchemeChoice } from "./recipe.ts";
import { describeScheme, type Method, type Role, type Target, whyNotHeld } from "./target.ts";
import { stagesOf } from "./stages.ts";
import { targetThatHolds } from "./targets/mod.ts";

/** What was decided of one layer, or of several that run as one operator. */
export interface Choice {
  /** Absent where there are none. */
  readonly weights?: QuantScheme;
  readonly activations: QuantScheme;
  readonly method: Method;
  readonly observer: ObserverName;
  readonly momentum: number;
  /** Share of all values that a percentile keeps, in percent; absent where it is the default. */
  readonly percentile?: number;
  /** The range of activations, where it is not observed. */
  readonly range?: Range;
  /** How the scales of weights are found; absent where it is from the largest magnitude. */
  readonly weightObserver?: WeightObserverName;
  /** Places in the recipe of the rules that decided something, from 0 on. */
  readonly rules: readonly number[];
}

/** What is resolved, and for what. */
export interface ResolveInput {
  readonly recipe: Recipe;
  readonly target: Target;
  /** The model as it was given: its names still count. */
  readonly original: LayerGraph;
  /** The model as it is quantized. */
  readonly graph: LayerGraph;
}

/** Answers what a recipe says of the layers of one model. */
export interface Resolver {
  /** Names the layers that are asked to stay in float, with the place of the rule that asks it. */
  readonly float: ReadonlyMap<string, number>;
  /** Names the layers whose answers are asked to be real numbers. */
  readonly reals: ReadonlySet<string>;
  /** The rules that no layer matches. */
  readonly unmatched: readonly RecipeRule[];
  /**
   * Decides for layers that run as one operator; where they have weights, those are the first one's.
   *
   * @throws {RangeError} If the target cannot hold what is wanted.
   */
  choose(names: readonly string[], options: { readonly hasWeights: boolean }): Choice;
}

/**
 * Reads a recipe against a model.
 *
 * @throws {RangeError} If no layer matches a rule that requires one.
 */
export function resolver(input: ResolveInput): Resolver {
  const { recipe: { rules }, target, graph } = input;
  const isFor = matcher(input);
  const concerns = (rule: RecipeRule, node: LayerNode) => !isSource(node) || !isOfFloat(rule);
  const unmatched = rules.filter((rule) =>
    !graph.nodes.some((node) => isFor(rule.match, node) && concerns(rule, node))
  );
  const missing = unmatched.find(({ required }) => required);
  if (missing !== undefined) {
    const what = missing.then.float ? `keep layers of "${graph.name}" in float` : `quantize layers of "${graph.name}"`;
    const { stage } = missing.match;
    const namesOf = namesIn(input.original);
    const known = graph.nodes.filter((node) => stage === undefined || isFor({ stage }, node)).flatMap((node) => {
      const { layer } = node;
      return namesOf(node.name).map((name) => ({ name, className: layer.className, kind: ruleOf(layer).kind }));
    });
    throw new RangeError(`Cannot ${what}: ${whyUnmatched(missing, known)}`);
  }
  const float = new Map<string, number>();
  for (const node of graph.nodes) {
    if (isSource(node)) continue;
    // The calls of a layer share what is quantized, its weights.
    const calls = callsOf(graph, node);
    const at = rules.findIndex(({ match, then }) =>
      then.float !== undefined && calls.some((call) => isFor(match, call))
    );
    if (at >= 0 && rules[at].then.float) float.set(node.name, at);
  }
  const reals = graph.nodes.filter((node) =>
    !isSource(node) &&
    rules.find(({ match, then }) => then.answers !== undefined && isFor(match, node))?.then.answers === "reals"
  );
  const choose: Resolver["choose"] = (names, { hasWeights }) => {
    const nodes = names.map((name) => nodeOf(graph, name));
    const decided = decide(rules, (match) => nodes.some((node) => isFor(match, node)));
    const shared = decide(rules, (match) => callsOf(graph, nodes[0]).some((call) => isFor(match, call)));
    const { method = "qat", observer = "moving-average", momentum = 0.01, percentile, range } = decided.settings;
    if (!target.methods.includes(method)) {
      const known = suggestName(method, target.methods);
      throw new RangeError(`Cannot quantize "${names[0]}" by ${method} for target "${target.name}": ${known}`);
    }
    const common = { name: names[0], target };
    const { observer: weightObserver = "min-max", ...weights } = shared.settings.weights ?? {};
    if (range !== undefined && !(range.min < range.max)) {
      throw new RangeError(
        `Cannot quantize the activations of "${names[0]}": the range is ${range.min} to ${range.max}, ` +
          `two numbers in order are needed`,
      );
    }
    return {
      ...(hasWeights ? { weights: schemeFor(weights, { ...common, role: "weights" }) } : {}),
      activations: schemeFor(decided.settings.activations, { ...common, role: "activations" }),
      method,
      observer,
      momentum,
      ...(percentile === undefined ? {} : { percentile }),
      ...(range === undefined ? {} : { range }),
      ...(hasWeights && weightObserver !== "min-max" ? { weightObserver } : {}),
      rules: decided.rules,
    };
  };
  return { float, reals: new Set(reals.map(({ name }) => name)), unmatched, choose };
}

/** Layers that compute nothing and so could not be in float, in words. */
const SOURCES: Readonly<Record<string, string>> = { InputLayer: "an input", [ConstantValue.className]: "a constant" };

function isSource({ layer: { className } }: LayerNode): boolean {
  return Object.hasOwn(SOURCES, className);
}

/** Whether a rule says nothing but what is in float, which is for layers that compute. */
function isOfFloat({ then }: RecipeRule): boolean {
  return Object.keys(then).join() === "float";
}

/** A layer as rules may match it. */
export interface KnownLayer {
  readonly name: string;
  readonly className: string;
  readonly kind: string;
}

/** Says that a rule matches nothing, as the rest of a sentence, with the name of what it can match that was probably meant. */
export function whyUnmatched(rule: RecipeRule, layers: readonly KnownLayer[]): string {
  const { name, pattern, kind, stage } = rule.match;
  const given = layers.find((layer) => layer.name === name);
  const source = given === undefined || !isOfFloat(rule) ? undefined : lookUp(SOURCES, given.className);
  if (source !== undefined) return `"${name}" is ${source}, which cannot be kept in float: a layer is needed`;
  const parts = [
    ...(name === undefined ? [] : [`is called "${name}"`]),
    ...(pattern === undefined ? [] : [`has a name like /${pattern}/`]),
    ...(kind === undefined ? [] : [`is a ${kind}`]),
    ...(stage === undefined ? [] : [`is in stage ${stage}`]),
  ];
  const others = layers.filter((layer) =>
    !(isOfFloat(rule) && Object.hasOwn(SOURCES, layer.className)) &&
    (pattern === undefined || new RegExp(pattern).test(layer.name)) &&
    (kind === undefined || kind === layer.className || kind === layer.kind)
  );
  const meant = name === undefined ? undefined : nearestName(name, others.map((layer) => layer.name));
  return `none ${parts.join(" and ")}${meant === undefined ? "" : ` (did you mean "${meant}"?)`}`;
}

function matcher({ original, graph, recipe }: ResolveInput): (match: LayerMatch, node: LayerNode) => boolean {
  const isIn = recipe.rules.some(({ match }) => match.stage !== undefined) ? stageMatcher(graph) : () => false;
  const namesOf = namesIn(original);
  return ({ name, pattern, kind, stage }, node) =>
    (name === undefined || namesOf(node.name).includes(name)) &&
    (pattern === undefined || namesOf(node.name).some((own) => new RegExp(pattern).test(own))) &&
    (kind === undefined || kind === node.layer.className || kind === ruleOf(node.layer).kind) &&
    (stage === undefined || isIn(stage, node));
}

/** Returns which names a layer goes by: its own, and of a part that of the layer that it is of. */
function namesIn(original: LayerGraph): (name: string) => readonly string[] {
  const before = original.nodes.map((node) => node.name);
  // Of a part of a layer, the layer's name is the longest that its own begins with.
  return (name) => {
    const whole = before.filter((known) => name === known || name.startsWith(`${known}_`));
    return [name, ...whole.sort((a, b) => b.length - a.length).slice(0, 1)];
  };
}

/** Whether a node is in a stage, counted from the end if negative. A model is made to know the shapes. */
function stageMatcher(graph: LayerGraph): (stage: number, node: LayerNode) => boolean {
  const model = toModel(graph);
  const shapes = new Map(modelCalls(model).map(({ name, shapes: [shape] }) => [name, shape]));
  model.dispose();
  const stages = stagesOf(graph, shapes);
  const count = Math.max(0, ...stages.values());
  return (stage, { name }) => stages.get(name) === (stage < 0 ? count + 1 + stage : stage);
}

interface Decided {
  readonly settings: LayerSettings;
  readonly rules: readonly number[];
}

/** Takes every setting, and every part of a scheme, from the first rule that matches and speaks of it. */
function decide(rules: readonly RecipeRule[], isFor: (match: LayerMatch) => boolean): Decided {
  const places = new Set<number>();
  const settings = rules.reduce<LayerSettings>((known, { match, then }, place) => {
    if (!isFor(match)) return known;
    const merged = mergeSettings(known, then);
    if (JSON.stringify(merged) !== JSON.stringify(known)) places.add(place);
    return merged;
  }, {});
  return { settings, rules: [...places] };
}

function mergeSettings(first: LayerSettings, then: LayerSettings): LayerSettings {
  const scheme = (role: Role) =>
    first[role] === undefined && then[role] === undefined ? {} : { [role]: { ...then[role], ...first[role] } };
  return { ...then, ...first, ...scheme("weights"), ...scheme("activations") };
}

interface Wanted {
  readonly name: string;
  readonly target: Target;
  readonly role: Role;
}

function schemeFor(choice: SchemeChoice | undefined, { name, target, role }: Wanted): QuantScheme {
  const scheme = completeScheme(choice ?? {}, target[role][0]);
  const fault = faultOfScheme(scheme);
  if (fault !== undefined) throw new RangeError(`Cannot quantize the ${role} of "${name}": ${fault}`);
  const because = whyNotHeld(target, role, scheme);
  if (because === undefined) return scheme;
  throw new RangeError(
    `Cannot quantize the ${role} of "${name}" as ${describeScheme(scheme)} for target "${target.name}": ${because}; ` +
      `target "${targetThatHolds(role, scheme).name}" can hold them`,
  );
}

/** Fills what `choice` leaves open from `base`; codes of another type than it has are all that the type holds. */
function completeScheme(choice: SchemeChoice, base: QuantScheme): QuantScheme {
  const { dtype = base.dtype, symmetric = base.symmetric, span, granularity } = choice;
  const isSame = dtype === base.dtype && symmetric === base.symmetric;
  const { qmin, qmax } = isSame ? base : codesOf(dtype, symmetric);
  const scheme = {
    dtype,
    qmin: choice.qmin ?? qmin,
    qmax: choice.qmax ?? qmax,
    symmetric,
    granularity: granularity === undefined || granularity === base.granularity.kind
      ? base.granularity
      : granularity === "per-tensor"
      ? PER_TENSOR
      : perChannel(-1),
  };
  const isAsBase = isSame && scheme.qmin === base.qmin && scheme.qmax === base.qmax;
  const steps = span ?? (isAsBase ? base.span : undefined);
  return steps === undefined ? scheme : { ...scheme, span: steps };
}

/** The codes of a type; of symmetric grids as many below the code of 0 as above. */
function codesOf(dtype: QuantScheme["dtype"], symmetric: boolean): Pick<QuantScheme, "qmin" | "qmax"> {
  const { qmin, qmax } = codeRangeOf(dtype);
  if (!symmetric) return { qmin, qmax };
  return isSigned(dtype) ? { qmin: -qmax, qmax } : { qmin: qmin + 1, qmax };
}
