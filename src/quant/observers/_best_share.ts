/** The search that observers of the least squared error share: over how much of a range to keep. */

/** Ranges tried from one to its half, each narrower by the same factor. */
const COARSE = 16;

/** Ranges tried between two of these, on either side of the best. */
const FINE = 8;

/** Narrower than any float32 beside another. */
const LEAST = 2 ** -260;

/** What a range loses. */
export interface Loss {
  readonly total: number;
  /** Of it, by what is beyond the range: it grows as the range gets narrower. */
  readonly clipped: number;
}

/** The share of a range that loses least, and how much that is. */
export interface Share {
  readonly share: number;
  readonly loss: number;
}

/**
 * Searches the share of a range, from all of it on, that loses least.
 *
 * First in steps of a sixteenth of an octave, then of a 128th around the best. It ends where what is beyond the range
 * alone loses more than the best: no narrower range can be better.
 */
export function bestShare(lossAt: (share: number) => Loss): Share {
  let best: Share = { share: 1, loss: Infinity };
  const attempt = (share: number) => {
    const { total, clipped } = lossAt(share);
    if (total < best.loss) best = { share, loss: total };
    return clipped <= best.loss;
  };
  for (let step = 0, share = 1; share > LEAST && attempt(share); share = 2 ** (-++step / COARSE));
  const around = best.share;
  for (let step = FINE - 1; step > -FINE; step--) {
    const share = around * 2 ** (step / (COARSE * FINE));
    if (step !== 0 && share < 1) attempt(share);
  }
  return best;
}
