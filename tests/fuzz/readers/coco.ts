/** Sets in the form of COCO's instances. */
import { mutateJson, TEXTS } from "../_mutate.ts";
import { annotatedCases } from "./_annotated.ts";

function instances(...names: readonly string[]) {
  return {
    info: { year: 2026 },
    images: names.map((name, i) => ({ id: i + 1, file_name: name, width: 12, height: 9 })),
    annotations: names.flatMap((_, i) => [
      { id: 2 * i, image_id: i + 1, category_id: 3, bbox: [1, 2, 7.5, 5], iscrowd: 0, area: 37.5 },
      { id: 2 * i + 1, image_id: i + 1, category_id: 7, bbox: [0, 0, 12, 9], iscrowd: 1 },
    ]),
    categories: [{ id: 7, name: "dog" }, { id: 3, name: "cat", supercategory: "animal" }],
  };
}

const TRAIN = instances("a.png", "b.png");

/** Two files, of which one is damaged by its structure or its text. */
export const prepare = annotatedCases({
  spec: "coco:DIR/train.json",
  pictures: ["a.png", "b.png", "c.png"],
  texts: { "train.json": JSON.stringify(TRAIN), "val.json": JSON.stringify(instances("c.png")) },
  hostile: (random, path) => {
    const root = structuredClone(path === "train.json" ? TRAIN : instances("c.png"));
    if (random.chance(0.2)) root.images[0].file_name = random.pick(TEXTS);
    else mutateJson(random, root);
    return JSON.stringify(root);
  },
});
