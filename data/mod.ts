/** Data sets: readers, the generated set, normalization and batches. */
export * from "./batches.ts";
export * from "./sources/cifar10.ts";
export * from "./dataset.ts";
export * from "./fit_to.ts";
export * from "./sources/folder.ts";
export * from "./sources/generated.ts";
export * from "./sources/mnist.ts";
export * from "./normalize.ts";
export * from "./open.ts";
export * from "../src/numbers/random.ts";
