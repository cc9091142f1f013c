/** The observers, by name. */
import { suggestName } from "../../text/nearest.ts";
import { entropyObserver } from "./entropy.ts";
import { histogramObserver } from "./histogram.ts";
import { minMaxObserver } from "./min_max.ts";
import { movingAverageObserver } from "./moving_average.ts";
import { mseObserver } from "./mse.ts";
import type { Observer, ObserverOptions } from "./observer.ts";
import { octavObserver } from "./octav.ts";
import { percentileObserver } from "./percentile.ts";

/** The observers: how each is made. */
export const OBSERVERS = {
  "min-max": minMaxObserver,
  "moving-average": movingAverageObserver,
  "histogram": histogramObserver,
  "mse": mseObserver,
  "percentile": percentileObserver,
  "entropy": entropyObserver,
  "octav": octavObserver,
} satisfies Record<string, (options: ObserverOptions) => Observer>;

/** Name of an observer. */
export type ObserverName = keyof typeof OBSERVERS;

/** Names of all observers. */
export const OBSERVER_NAMES: readonly string[] = Object.keys(OBSERVERS);

/** Whether `name` is an observer's. */
export function isObserverName(name: string): name is ObserverName {
  return Object.hasOwn(OBSERVERS, name);
}

/**
 * Makes the observer called `name`.
 *
 * @throws {RangeError} If there is none of that name, or an option is out of its range.
 */
export function makeObserver(name: ObserverName, options: ObserverOptions = {}): Observer {
  if (!isObserverName(name)) {
    throw new RangeError(`Cannot make observer "${name}": ${suggestName(name, OBSERVER_NAMES)}`);
  }
  return OBSERVERS[name](options);
}

export { minMaxObserver } from "./min_max.ts";
export { movingAverageObserver } from "./moving_average.ts";
export {
  type Channels,
  type GraphObserver,
  type HostObserver,
  type Observation,
  type Observer,
  type ObserverOptions,
  rangeState,
  type StateArray,
  type StateArrays,
} from "./observer.ts";
export { WEIGHT_OBSERVER_NAMES, type WeightObserverName } from "./weights.ts";
