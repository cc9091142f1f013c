/** What is wrong with a graph. */

/** What a rule is about. Each is tested on a graph that breaks it and no other. */
export type Rule =
  | "opset"
  | "domain"
  | "operator"
  | "arity"
  | "attribute"
  | "node name"
  | "value name"
  | "single assignment"
  | "defined"
  | "order"
  | "cycle"
  | "output"
  | "declared type"
  | "inferred type"
  | "elements"
  | "finite"
  | "scale"
  | "bias zero point";

/** A rule that a graph breaks. */
export interface Problem {
  /** The rule that is broken. */
  readonly rule: Rule;
  /** What breaks it: `node "conv1"`, `value "x"`, `graph "net"`. */
  readonly where: string;
  /** What is, and what is needed. */
  readonly message: string;
}
