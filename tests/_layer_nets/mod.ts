/** Small nets, each around one layer in one configuration, and what is claimed of them in the int8 file. */
import { ACTIVATIONS, RECTIFIERS } from "./activations.ts";
import { COMBINED } from "./combined.ts";
import { BORDERS, FLOATS } from "./islands.ts";
import { CHANNELS, MOVES, PADS, POOLS } from "./moves.ts";
import type { LayerNet } from "./net.ts";
import { CONSTANTS } from "./constants.ts";
import { OPERATION_NETS } from "./operations.ts";
import { OUTPUTS } from "./outputs.ts";
import { SEQUENCES } from "./sequences.ts";
import { SHARED } from "./shared.ts";
import { BATCH_NORM, WEIGHTED } from "./weighted.ts";
import { MERGES, WIRING } from "./wiring.ts";

export type { LayerNet } from "./net.ts";

/** All nets. */
export const LAYER_NETS: readonly LayerNet[] = [
  ...WEIGHTED,
  ...BATCH_NORM,
  ...ACTIVATIONS,
  ...RECTIFIERS,
  ...POOLS,
  ...MOVES,
  ...CHANNELS,
  ...OPERATION_NETS,
  ...PADS,
  ...MERGES,
  ...WIRING,
  ...SHARED,
  ...OUTPUTS,
  ...CONSTANTS,
  ...COMBINED,
  ...BORDERS,
  ...FLOATS,
  ...SEQUENCES,
];
