/**
 * Methods of single objects, replaced for a while: TF.js has no hooks around what a layer computes or a variable reads.
 *
 * Shadows of one method stack: the newest answers, and may ask the one below it. Each can be taken away at any time and
 * in any order; the others stay, and with the last one the object is as it was. Saving and restoring the property by
 * hand does that only where the order is kept: whoever ends first takes the others' shadows along, or brings back one
 * that has ended.
 */

/** Any method; what it takes and returns is known to who shadows it. */
type Method = (...args: never[]) => unknown;

/** Names of the methods of `T`. */
export type MethodName<T> = { [K in keyof T]: T[K] extends Method ? K : never }[keyof T];

/**
 * What is called in the place of a method `F` of a `T`, with what is below it: the next shadow, or the object's own. Where
 * a prototype is shadowed, `this` tells whose method is called.
 */
export type Around<F extends Method, T = unknown> = (this: T, next: F, ...args: Parameters<F>) => ReturnType<F>;

/** The shadows of one method, the newest last. Replaced and not changed, so that calls under way see what they began with. */
interface Stack {
  shadows: readonly { readonly around: Around<Method> }[];
  /** Puts back what was there before. */
  readonly restore: () => void;
}

const STACKS = new WeakMap<object, Map<PropertyKey, Stack>>();

/**
 * Puts `around` in the place of the method `name` of `object`, and of no other object of its class; of a prototype, in
 * the place of the method of all that inherit it.
 *
 * @returns A function that takes this shadow away; calling it again does nothing.
 * @throws {TypeError} If the object has no such method, or its property cannot be defined anew.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { shadow } from "./shadow.ts";
 *
 * const date = new Date(0);
 * const restore = shadow(date, "getTime", (next) => next() + 5);
 * assert.equal(date.getTime(), 5);
 * restore();
 * assert.equal(date.getTime(), 0);
 * ```
 */
export function shadow<T extends object, K extends MethodName<T>>(
  object: T,
  name: K,
  around: Around<Extract<T[K], Method>, T>,
): () => void {
  const stack = STACKS.get(object)?.get(name) ?? addStack(object, name);
  // An object for each shadow, since one function may be put there twice. It is called with the method's own arguments.
  const added = { around: around as Around<Method> };
  stack.shadows = [...stack.shadows, added];
  return () => {
    const left = stack.shadows.filter((other) => other !== added);
    const isLast = left.length === 0 && stack.shadows.length > 0;
    stack.shadows = left;
    if (isLast) stack.restore();
  };
}

function addStack(object: object, name: PropertyKey): Stack {
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== "function") {
    throw new TypeError(`Cannot shadow "${String(name)}": the object has no method of that name`);
  }
  const before = Object.getOwnPropertyDescriptor(object, name);
  const method = function (this: unknown, ...args: never[]): unknown {
    return callFrom(stack.shadows.length - 1, { self: this, shadows: stack.shadows, original, args });
  };
  const stack: Stack = {
    shadows: [],
    restore: () => {
      STACKS.get(object)?.delete(name);
      // Whoever has put another method there since keeps it; below theirs, this one now calls the original.
      if (Reflect.get(object, name) !== method) return;
      if (before === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, before);
    },
  };
  // An own property hides the class's method.
  Object.defineProperty(object, name, { value: method, configurable: true, writable: true });
  const stacks = STACKS.get(object) ?? new Map<PropertyKey, Stack>();
  STACKS.set(object, stacks.set(name, stack));
  return stack;
}

interface Call {
  readonly self: unknown;
  readonly shadows: Stack["shadows"];
  // deno-lint-ignore ban-types -- the object's own method, of which no more is known
  readonly original: Function;
  readonly args: never[];
}

function callFrom(top: number, call: Call): unknown {
  if (top < 0) return Reflect.apply(call.original, call.self, call.args);
  const next: Method = (...args) => callFrom(top - 1, { ...call, args });
  return Reflect.apply(call.shadows[top].around, call.self, [next, ...call.args]);
}
