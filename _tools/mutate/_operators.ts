/** The one-point changes that are made, as a table: an operator is given a site and returns texts that could stand there. */
import type { Node } from "@babel/types";
import { type Site, textOf } from "./_syntax.ts";

/** A kind of change. */
export interface Operator {
  readonly name: string;
  /** Returns what could stand in place of the site's text; none where the operator does not apply. */
  readonly change: (site: Site) => readonly string[];
}

/** All kinds of changes. */
export const OPERATORS: readonly Operator[] = [
  { name: "arithmetic", change: changeArithmetic },
  { name: "operands", change: swapOperands },
  { name: "comparison", change: changeComparison },
  { name: "condition", change: changeCondition },
  { name: "logic", change: changeLogic },
  { name: "default", change: changeDefault },
  { name: "sign", change: dropSign },
  { name: "number", change: changeNumber },
  { name: "boolean", change: flipBoolean },
  { name: "twin", change: swapTwin },
  { name: "bound", change: dropBound },
  { name: "rounding", change: changeRounding },
  { name: "call", change: dropCall },
  { name: "arguments", change: swapArguments },
  { name: "order", change: reverseArray },
  { name: "spread", change: dropSpread },
  { name: "assignment", change: changeAssignment },
  { name: "statement", change: dropStatement },
];

const ARITHMETIC: ReadonlyMap<string, string> = new Map(Object.entries({
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "**": "*",
  "<<": ">>",
  ">>": "<<",
  ">>>": "<<",
  "&": "|",
  "|": "&",
  "^": "&",
}));

const COMPARISONS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({
  "<": ["<=", ">"],
  "<=": ["<", ">"],
  ">": [">=", "<"],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
}));

function changeArithmetic({ node, source }: Site): string[] {
  const other = node.type === "BinaryExpression" && ARITHMETIC.get(node.operator);
  return other && !isText(node) ? [join(textOf(node.left, source), other, textOf(node.right, source))] : [];
}

function swapOperands({ node, source }: Site): string[] {
  if (node.type !== "BinaryExpression" || !["-", "/", "%"].includes(node.operator)) return [];
  return [join(textOf(node.right, source), node.operator, textOf(node.left, source))];
}

function changeComparison({ node, source }: Site): string[] {
  if (node.type !== "BinaryExpression") return [];
  const others = COMPARISONS.get(node.operator) ?? [];
  return others.map((operator) => join(textOf(node.left, source), operator, textOf(node.right, source)));
}

function changeCondition(site: Site): string[] {
  const [parent] = site.around;
  if (site.part !== "test" || !parent || !["IfStatement", "ConditionalExpression"].includes(parent.type)) return [];
  return [`!(${textOf(site.node, site.source)})`, "false", "true"];
}

function changeLogic({ node, source }: Site): string[] {
  if (node.type !== "LogicalExpression" || node.operator === "??") return [];
  const [left, right] = [textOf(node.left, source), textOf(node.right, source)];
  return [join(left, node.operator === "&&" ? "||" : "&&", right), left, right];
}

function changeDefault({ node, source }: Site): string[] {
  if (node.type !== "LogicalExpression" || node.operator !== "??") return [];
  return [textOf(node.left, source), textOf(node.right, source)];
}

function dropSign({ node, source }: Site): string[] {
  const isSign = node.type === "UnaryExpression" && ["-", "!"].includes(node.operator);
  return isSign ? [textOf(node.argument, source)] : [];
}

function changeNumber({ node, around: [parent] }: Site): string[] {
  if (node.type !== "NumericLiteral") return [];
  if (parent?.type === "UnaryExpression" && node.value === 1) return ["0", "2"];
  if (!Number.isInteger(node.value)) return [`${node.value * 2}`];
  return node.value === 0 ? ["1"] : [`${node.value - 1}`, `${node.value + 1}`];
}

function flipBoolean({ node }: Site): string[] {
  return node.type === "BooleanLiteral" ? [`${!node.value}`] : [];
}

/** Names of which one could have been written for the other. */
const TWINS: readonly (readonly [string, string])[] = [
  ["Add", "Sub"],
  ["Mul", "Div"],
  ["Min", "Max"],
  ["Floor", "Round"],
  ["ReduceSum", "ReduceMean"],
  ["ReduceMin", "ReduceMax"],
  ["Less", "LessOrEqual"],
  ["Greater", "GreaterOrEqual"],
  ["And", "Or"],
  ["min", "max"],
  ["same", "valid"],
  ["nearest", "bilinear"],
  ["uint8", "int8"],
  ["kernel", "bias"],
];

function swapTwin({ node, part }: Site): string[] {
  if (node.type !== "StringLiteral" || part === "key") return [];
  return TWINS.flatMap(([one, other]) => node.value === one ? [other] : node.value === other ? [one] : [])
    .map((name) => JSON.stringify(name));
}

/** Calls that keep a value within bounds, and what is left without them. */
function dropBound(site: Site): string[] {
  const call = readCall(site);
  if (!call) return [];
  if (call.name === "clamp" || call.name.endsWith(".clamp")) return call.args.slice(0, 1);
  if (call.name !== "Math.min" && call.name !== "Math.max") return [];
  const other = call.name === "Math.min" ? "Math.max" : "Math.min";
  const whole = `${other}(${call.args.join(", ")})`;
  return call.args.some((arg) => arg.startsWith("...")) ? [whole] : [whole, ...call.args];
}

const ROUNDINGS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({
  "Math.round": ["Math.trunc", "Math.floor"],
  "Math.floor": ["Math.ceil", ""],
  "Math.ceil": ["Math.floor", ""],
  "Math.trunc": ["Math.round", ""],
  "Math.fround": [""],
  "Math.abs": [""],
  "Math.sqrt": [""],
  "roundHalfEven": ["Math.round", "Math.trunc"],
}));

function changeRounding(site: Site): string[] {
  const call = readCall(site);
  if (!call) return [];
  return (ROUNDINGS.get(call.name) ?? []).map((name) => `${name}(${call.args.join(", ")})`);
}

// Methods that return something like what they are called on, or another of the same kind
const CHANGES: readonly string[] = ["filter", "sort", "toSorted", "reverse", "toReversed", "slice", "trim", "flat"];
const SIBLINGS: ReadonlyMap<string, string> = new Map(
  Object.entries({ some: "every", every: "some" }),
);

function dropCall({ node, source, around, part }: Site): string[] {
  if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") return [];
  const { object, property } = node.callee;
  if (property.type !== "Identifier" || node.callee.computed) return [];
  if (part === "expression" && around[0]?.type === "ExpressionStatement") return [];
  const sibling = SIBLINGS.get(property.name);
  const args = node.arguments.map((arg) => textOf(arg, source)).join(", ");
  if (sibling !== undefined) return [`(${textOf(object, source)}).${sibling}(${args})`];
  return CHANGES.includes(property.name) ? [textOf(object, source)] : [];
}

// Their result does not depend on the order of what they are given
const SYMMETRIC = /^(Math\.(min|max|hypot)|gcd|Object\.is|equal\w*|.*\.(push|unshift|add|set|has|log|node|concat))$/;

function swapArguments(site: Site): string[] {
  const call = readCall(site);
  if (!call || SYMMETRIC.test(call.name) || !("arguments" in site.node)) return [];
  const [first, second, ...rest] = call.args;
  const mayChange = site.node.arguments.slice(0, 2).every((arg) => isPlain(arg));
  if (second === undefined || !mayChange || first === second) return [];
  const start = textOf(site.node, site.source).slice(0, site.node.type === "NewExpression" ? 4 : 0);
  return [`${start}${call.name}(${[second, first, ...rest].join(", ")})`];
}

function reverseArray({ node, source }: Site): string[] {
  if (node.type !== "ArrayExpression" || node.elements.length < 2) return [];
  const texts = node.elements.map((element) => element && isPlain(element) ? textOf(element, source) : undefined);
  if (texts.includes(undefined) || new Set(texts).size < 2) return [];
  return [`[${texts.toReversed().join(", ")}]`];
}

function dropSpread({ node, part, around: [parent] }: Site): string[] {
  if (part !== "argument" || parent?.type !== "SpreadElement" || node.type === "LogicalExpression") return [];
  return ["[]"];
}

const ASSIGNMENTS: ReadonlyMap<string, string> = new Map(
  Object.entries({ "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=" }),
);

function changeAssignment({ node, source }: Site): string[] {
  const other = node.type === "AssignmentExpression" && ASSIGNMENTS.get(node.operator);
  if (!other || isText(node.right)) return [];
  const [left, right] = [textOf(node.left, source), textOf(node.right, source)];
  return [`${left} ${other} ${right}`, `${left} = ${right}`];
}

function dropStatement({ node }: Site): string[] {
  if (node.type !== "ExpressionStatement") return [];
  const expression = node.expression.type === "AwaitExpression" ? node.expression.argument : node.expression;
  const isEffect = expression.type === "CallExpression" || expression.type === "AssignmentExpression";
  return isEffect && !(expression.type === "CallExpression" && expression.callee.type === "Super") ? [""] : [];
}

function readCall({ node, source }: Site): { name: string; args: string[] } | undefined {
  if (node.type !== "CallExpression" && node.type !== "NewExpression") return undefined;
  if (node.callee.type !== "Identifier" && node.callee.type !== "MemberExpression") return undefined;
  return { name: textOf(node.callee, source), args: node.arguments.map((arg) => textOf(arg, source)) };
}

/** Whether a value is named or computed: no function, object or text, and nothing that has an effect. */
function isPlain({ type }: Node): boolean {
  return ["Identifier", "MemberExpression", "NumericLiteral", "BinaryExpression", "UnaryExpression"].includes(type);
}

/** Whether a sum is of texts. */
function isText(node: Node): boolean {
  if (node.type === "BinaryExpression") return node.operator === "+" && (isText(node.left) || isText(node.right));
  return node.type === "StringLiteral" || node.type === "TemplateLiteral";
}

function join(left: string, operator: string, right: string): string {
  return `(${left}) ${operator} (${right})`;
}
