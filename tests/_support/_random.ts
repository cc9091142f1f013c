/** Seeded random elements: the same seed gives the same numbers. */

/** Returns `size` elements, uniform in `range`. */
export function randomValues(
  size: number,
  options: {
    readonly dtype: "float32" | "int32" | "bool";
    readonly range?: readonly [lowest: number, highest: number];
    readonly seed: string;
  },
): readonly number[] {
  const { dtype } = options;
  const [lowest, highest] = options.range ?? (dtype === "bool" ? [0, 2] : dtype === "int32" ? [-5, 5] : [-2, 2]);
  const random = generator(options.seed);
  return Array.from({ length: size }, () => {
    const value = lowest + random() * (highest - lowest);
    return dtype === "float32" ? value : Math.floor(value);
  });
}

/** mulberry32, seeded by the FNV-1a hash of `seed`. */
function generator(seed: string): () => number {
  let state = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
