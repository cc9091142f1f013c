/** Tables. */
import { openData } from "../../../data/open.ts";
import type { Prepare } from "../_case.ts";
import { mutateBytes, mutateText, TEXTS } from "../_mutate.ts";
import { checkSamples } from "./_samples.ts";

const NUMBERS = "a,b,target\n1,2,0\n3,4.5,1\n-5e-1,+6,0\n7,8,1\n9,10,0\n11,12,1\n";
const SPLIT = "a,y_left,y_right,split\n1,0.5,2,train\n2,1,0,test\n3,1.5,1,train\n4,0,2,val\n";
const SEQUENCES = "sequence,a,target\np,1,x\nq,2,y\np,3,x\nr,4,x\nq,5,y\nr,6,x\n";
const QUOTED = 'a,b,"target class"\n1,2,"x, y"\n3,4,"say ""z"""\n5,6,"x, y"\n7,8,"say ""z"""\n';

/** A table that is damaged by its bytes or its text, read as any kind of targets. */
export const prepare: Prepare = (dir) => async (random) => {
  const sound = random.pick([NUMBERS, SPLIT, QUOTED, SEQUENCES]);
  const text = mutateText(random, sound);
  const { bytes, what } = random.chance(0.5)
    ? { bytes: new TextEncoder().encode(text), what: JSON.stringify(text.slice(0, 200)) }
    : mutateBytes(random, new TextEncoder().encode(sound));
  await Deno.writeFile(`${dir}/table.csv`, bytes);
  const targets = random.pick(["classes", "reals", "flags"] as const);
  const columns = random.chance(0.2) ? { columns: [random.pick([...TEXTS, "a", "target", "y_left"])] } : {};
  const column = random.chance(0.5) ? {} : { column: random.pick([...TEXTS, "a", "sequence"]) };
  const sequence = random.chance(0.3) ? { sequence: { ...column, length: random.pick([1, 2, 3, 7]) } } : {};
  const limit = random.chance(0.2) ? { limit: 1 + random.below(4) } : {};
  const read = async () =>
    checkSamples(await openData(`csv:${dir}/table.csv`, { targets, ...columns, ...sequence, ...limit }));
  return { what: `${targets} ${JSON.stringify({ ...columns, ...sequence })} ${what}`, read };
};
