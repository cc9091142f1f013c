/** Intervals and tests as data. */

/** A confidence interval. */
export interface ConfidenceInterval {
  readonly low: number;
  readonly high: number;
  /** How sure it is: 0.95. */
  readonly confidence: number;
}

/** What can be said of a change: how large it may be, and whether it is one at all. */
export interface MetricChange extends ConfidenceInterval {
  /**
   * How likely so large a change is, either way, if the two models are worth the same. Below 0.05 the interval excludes
   * 0; of a bootstrap, there alone. McNemar's exact test is the more cautious one beside Newcombe's interval.
   */
  readonly p: number;
  /** "mcnemar": where answers are right or wrong, McNemar's exact test. "bootstrap": samples drawn again and again. */
  readonly test: "mcnemar" | "bootstrap";
}

/** How sure all intervals are. */
export const CONFIDENCE = 0.95;

/** A change is more than chance where its p is below this. */
export const SURE = 0.05;

/** The 97.5 % quantile of the normal distribution. */
export const Z = 1.959963984540054;
