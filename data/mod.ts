/** Data sets: readers, the generated set, normalization and batches. */
export * from "./batches.ts";
export * from "./cifar10.ts";
export * from "./dataset.ts";
export * from "./fit_to.ts";
export * from "./folder.ts";
export * from "./generated.ts";
export * from "./mnist.ts";
export * from "./normalize.ts";
export * from "./open.ts";
export * from "./random.ts";
