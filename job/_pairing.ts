/** What is kept of a run, so that it can be compared in pairs with another that judged the same samples. */
import type { SampleSet } from "../data/samples.ts";
import type { PairingReport, Report } from "../report/schema.ts";
import type { KeptMetric } from "../tasks/uncertainty/mod.ts";
import { hashSamples } from "./_fingerprint.ts";

/** Writes what was kept of the first metric. */
export function describePairing(kept: KeptMetric | undefined, test: SampleSet): Pick<Report, "pairing"> {
  if (kept === undefined) return {};
  const { kind } = kept;
  const [count, bytes] = kind === "hits"
    ? [kept.hits.length, bitsOf(kept.hits)]
    : [kept.samples, new Uint8Array(Float32Array.from(kept.draws).buffer)];
  return { pairing: { samples: hashSamples(test), count, kind, bytes: bytes.toBase64() } };
}

/** Reads what `describePairing` wrote; undefined where it is damaged. */
export function readPairing({ kind, count, bytes: text }: PairingReport): KeptMetric | undefined {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
  if (kind === "hits") {
    if (bytes.length !== Math.ceil(count / 8)) return undefined;
    return { kind, hits: Float64Array.from({ length: count }, (_, i) => bytes[i >> 3] >> (i & 7) & 1) };
  }
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined;
  // A copy, so that it begins where numbers may begin.
  return { kind, draws: Float64Array.from(new Float32Array(bytes.slice().buffer)), samples: count };
}

function bitsOf(hits: Float64Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(hits.length / 8));
  hits.forEach((hit, i) => bytes[i >> 3] |= hit === 1 ? 1 << (i & 7) : 0);
  return bytes;
}
