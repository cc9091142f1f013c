/** Where a quantized model loses what it loses. */
export type * from "./facts.ts";
export { type FoundLayers, type LayersTried, searchKept, type SearchOptions } from "./search.ts";
export { type MeasuredParts, type MeasureOptions, measureParts } from "./measure.ts";
