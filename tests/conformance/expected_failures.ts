/** Specs of TF.js's suite that the backend is known to fail, each with the reason. */

/** A spec that fails, and why that is accepted. */
export interface ExpectedFailure {
  /** Full name without the environment's: "tan numbers exceed float32 precision". */
  readonly spec: string;
  readonly because: string;
}

/** One that passes again fails the suite, as does one that names no spec. */
export const EXPECTED_FAILURES: readonly ExpectedFailure[] = [
  {
    spec: "depthwiseConv2d gradients throws error on dilations > 1",
    because: "dilated convolutions have gradients here",
  },
];
