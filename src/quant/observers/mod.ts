/** The observers, by name. */
import { minMaxObserver } from "./min_max.ts";
import { movingAverageObserver, type MovingAverageOptions } from "./moving_average.ts";
import type { RangeObserver } from "./observer.ts";

/** Name of an observer that a FakeQuantize layer can run while training. */
export type RangeObserverName = "min-max" | "moving-average";

const RANGE_OBSERVERS: Readonly<Record<RangeObserverName, (options: MovingAverageOptions) => RangeObserver>> = {
  "min-max": minMaxObserver,
  "moving-average": movingAverageObserver,
};

/** The names of all of them. */
export const RANGE_OBSERVER_NAMES = Object.keys(RANGE_OBSERVERS) as readonly RangeObserverName[];

/**
 * Makes the observer called `name`.
 *
 * @throws {RangeError} If there is none of that name.
 */
export function rangeObserver(name: RangeObserverName, options: MovingAverageOptions = {}): RangeObserver {
  if (!Object.hasOwn(RANGE_OBSERVERS, name)) {
    const known = Object.keys(RANGE_OBSERVERS).join(", ");
    throw new RangeError(`Cannot make observer "${name}": the observers are ${known}`);
  }
  return RANGE_OBSERVERS[name](options);
}

export { minMaxObserver } from "./min_max.ts";
export { movingAverageObserver, type MovingAverageOptions } from "./moving_average.ts";
export type { NextEnd, Observer, RangeObserver, RangeState, TensorRange } from "./observer.ts";
