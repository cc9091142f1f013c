import assert from "node:assert/strict";
import type { BoxOptions } from "./_annotated.ts";
import { boxesOf, readFiles, refusesOne } from "./_test_boxes.ts";
import { type Content, picture } from "./_test_pictures.ts";
import { readCoco } from "./coco.ts";

const SHAPE = { height: 32, width: 32, channels: 3 };

const CATEGORIES = [{ id: 7, name: "dog" }, { id: 3, name: "cat" }];

interface Instances {
  readonly images: readonly unknown[];
  readonly annotations: readonly unknown[];
  readonly categories: readonly unknown[];
}

function image(id: number, name: string) {
  return { id, file_name: name, width: 64, height: 48 };
}

function box(image: number, bbox: unknown = [16, 12, 32, 24], more: object = {}) {
  return { id: 1, image_id: image, category_id: 3, bbox, ...more };
}

/** Two pictures with a cat each. */
function instances(more: Partial<Instances> = {}): Instances {
  const images = [image(1, "a.png"), image(2, "b.png")];
  return { images, annotations: [box(2), box(1)], categories: CATEGORIES, ...more };
}

const PICTURES = { "a.png": picture(), "b.png": picture() };

const read = (
  files: Record<string, Content | Instances>,
  { file = Object.keys(files)[0], ...options }: Partial<BoxOptions> & { readonly file?: string } = {},
) => {
  const isContent = (content: Content | Instances): content is Content =>
    typeof content === "string" || content instanceof Uint8Array || content instanceof Promise;
  const written = Object.fromEntries(
    Object.entries(files).map(([path, content]) => [path, isContent(content) ? content : JSON.stringify(content)]),
  );
  return readFiles(written, (dir) => readCoco(`${dir}/${file}`, { shape: SHAPE, ...options }));
};

Deno.test("readCoco() reads boxes, crowds and categories in the order of the file, and draws a test part", async () => {
  const annotations = [box(1), box(1, [0, 0, 64, 48], { category_id: 7, iscrowd: 1 }), box(2)];
  const { train, test, validation, notes } = await read({ "all.json": instances({ annotations }), ...PICTURES });
  assert.deepEqual([train.count, test.count, validation], [1, 1, undefined]);
  assert.deepEqual(train.targets.boxes.names, ["dog", "cat"]);
  const both = [...boxesOf(train), ...boxesOf(test)].sort((a, b) => a.length - b.length);
  const cat = [0.5, 0.5, 0.5, 0.375, 1, 0];
  assert.deepEqual(both, [[cat], [cat, [0.5, 0.5, 1, 0.75, 0, 1]]]);
  assert.equal(notes[1], "1 of 3 boxes are difficult: they count for nothing.");
});

Deno.test("readCoco() takes the sides of a picture itself where the file says none that can be", async () => {
  const images = [{ ...image(1, "a.png"), width: 0 }, { id: 2, file_name: "b.png", height: 1 }];
  const { train, test } = await read({ "all.json": instances({ images }), ...PICTURES });
  const cat = [[0.5, 0.5, 0.5, 0.375, 1, 0]];
  assert.deepEqual([...boxesOf(train), ...boxesOf(test)], [cat, cat]);
});

Deno.test("readCoco() finds pictures and parts in COCO's layout, and in that of folders of parts", async () => {
  const layout = (folders: readonly string[]) =>
    Object.fromEntries(folders.flatMap((folder) => ["a", "b"].map((name) => [`${folder}/${name}.png`, picture()])));
  const counts = async (files: Record<string, Content | Instances>) => {
    const { train, validation, test } = await read(files);
    return [train.count, validation?.count, test.count];
  };
  const one = instances({ images: [image(1, "a.png")], annotations: [box(1)] });
  assert.deepEqual(
    await counts({
      "annotations/instances_train2017.json": instances(),
      "annotations/instances_val2017.json": one,
      ...layout(["train2017", "val2017"]),
    }),
    [2, undefined, 1],
  );
  assert.deepEqual(
    await counts({
      "train/_annotations.coco.json": instances(),
      "valid/_annotations.coco.json": one,
      "test/_annotations.coco.json": one,
      ...layout(["train", "valid", "test"]),
    }),
    [2, 1, 1],
  );
  for (const folder of ["images", "all", "images/all"]) {
    const file = folder === "images/all" ? "annotations/all.json" : "all.json";
    assert.deepEqual(await counts({ [file]: instances(), ...layout([folder]) }), [1, undefined, 1], folder);
  }
});

Deno.test("readCoco() holds other parts to the categories of the training part, by name", async () => {
  const categories = [{ id: 1, name: "cat" }, { id: 2, name: "bird" }];
  const val = (category_id: number) =>
    instances({ categories, images: [image(9, "c.png")], annotations: [box(9, [16, 12, 32, 24], { category_id })] });
  const files = { "train.json": instances(), ...PICTURES, "c.png": picture() };
  const { test } = await read({ ...files, "val.json": val(1) });
  assert.equal(boxesOf(test)[0][0][4], 1, "cat");
  await refusesOne((skipBadImages) => read({ ...files, "val.json": val(2) }, { skipBadImages }), {
    what: "box",
    because: /annotations\[0\] of "DIR\/val\.json" \(its class "bird" is unknown, needed is one of dog, cat/,
  });
});

Deno.test("readCoco() names what is wrong with an annotation, counts it, and leaves it out where that is asked for", async () => {
  const faults: readonly (readonly [unknown, RegExp])[] = [
    [box(1, [16, 12, -8, 24]), /it is reversed: its right edge 8 comes before its left edge 16/],
    [box(1, [16, 12, 32, 0]), /it has no area: it is 0 high/],
    [box(1, [40, 12, 32, 24]), /it is outside of the picture: it reaches from 40 to 72, the picture is 64 wide/],
    [box(1, [16, 12, 32]), /its bbox is \[16,12,32\], four numbers are needed/],
    [box(1, [16, 12, 32, null]), /its bbox is \[16,12,32,null\]/],
    [box(1, undefined), /annotations\[2\]/],
    [box(1, "16,12,32,24"), /its bbox is "16,12,32,24"/],
    [box(1, [16, 12, 32, 24], { category_id: 4 }), /its category_id is 4, which no category has/],
    [box(1, [16, 12, 32, 24], { iscrowd: "no" }), /its iscrowd is "no", 0 or 1/],
    [box(5), /annotations\[2\] of "DIR\/all\.json" \(it is of the picture 5, which the file has not/],
    ["box", /it is of the picture "box"/],
    [null, /it is of the picture null/],
  ];
  for (const [bad, because] of faults) {
    // JSON has no undefined: such a key is not there.
    const annotations = [box(1), box(2), bad === faults[5][0] ? { ...box(1), bbox: null } : bad];
    const { train, test } = await refusesOne(
      (skipBadImages) => read({ "all.json": instances({ annotations }), ...PICTURES }, { skipBadImages }),
      { what: "box", because },
    );
    assert.deepEqual([...boxesOf(train), ...boxesOf(test)].map(({ length }) => length), [1, 1]);
  }
  const infinite = JSON.stringify(instances({ annotations: [box(1), box(2), box(1, [16, 12, 7777, 24])] }))
    .replace("7777", "1e999");
  await assert.rejects(read({ "all.json": infinite, ...PICTURES }), /its right edge is Infinity, a finite number/);
});

Deno.test("readCoco() names pictures that are missing, damaged, named twice, or outside", async () => {
  const three = (third: unknown) => instances({ images: [image(1, "a.png"), image(2, "b.png"), third] });
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [image(3, "z.png"), /"DIR\/z\.png" \(it does not exist\)/],
    [image(3, "bad.png"), /"DIR\/bad\.png" \(it is no picture/],
    [image(3, "a.png"), /a\.png" \(it is named twice, by images\[0\] of "DIR\/train\.json" and by images\[2\] of/],
    [image(2, "c.png"), /images\[2\]: the picture 2 is there twice/],
    [
      image(3, "../../etc/passwd"),
      /images\[2\]: its file_name "\.\.\/\.\.\/etc\/passwd": it is outside of the data's folder/,
    ],
    [image(3, "/etc/passwd"), /its file_name "\/etc\/passwd": it is outside/],
    [{ id: 3 }, /images\[2\]: its file_name is missing/],
    [{ id: "3", file_name: "c.png" }, /images\[2\]: its id is "3", a whole number is needed/],
    ["c.png", /images\[2\]: it is "c\.png", an id and a file_name are needed/],
    [{ ...image(3, "c.png"), width: 48 }, /it has 64x48 pixels, its annotation says 48x48/],
  ];
  for (const [third, because] of cases) {
    const val = instances({ images: [image(1, "d.png")], annotations: [box(1)] });
    const files = { "train.json": three(third), "val.json": val, ...PICTURES };
    const more = { "c.png": picture(), "d.png": picture(), "bad.png": "bad" };
    const { train } = await refusesOne((skipBadImages) => read({ ...files, ...more }, { skipBadImages }), {
      what: "picture",
      because,
    });
    assert.equal(train.count, 2);
  }
});

Deno.test("readCoco() refuses files that are none", async () => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[], /it is no JSON with images, annotations and categories/],
    [{ images: [], annotations: [] }, /its categories are missing, a list is needed/],
    [{ images: {}, annotations: [], categories: CATEGORIES }, /its images are \{\}, a list is needed/],
    [{ images: [], annotations: [], categories: CATEGORIES }, /it has no annotated picture, at least 2 are needed/],
    [instances({ categories: [{ id: 1 }] }), /its categories\[0\] is \{"id":1\}, an id and a name are needed/],
    [
      instances({ categories: [...CATEGORIES, { id: 7, name: "x" }] }),
      /categories\[2\] has an id or a name that one before/,
    ],
    [
      instances({ categories: [{ id: 7, name: "x" }, { id: 8, name: "x" }] }),
      /categories\[1\] has an id or a name that one/,
    ],
    [instances({ categories: [null] }), /its categories\[0\] is null, an id and a name are needed/],
    [instances({ categories: [{ id: 1.5, name: "x" }] }), /its categories\[0\] is \{"id":1\.5/],
    [instances({ categories: [{ id: 1, name: " " }] }), /its categories\[0\] is \{"id":1/],
    [instances({ categories: [] }), /its category_id is 3, which no category has/],
    [instances({ categories: [], annotations: [] }), /no picture to train on has a box/],
  ];
  for (const [root, because] of cases) {
    await assert.rejects(read({ "all.json": JSON.stringify(root), ...PICTURES }), because);
  }
  await assert.rejects(read({ "all.json": "{", ...PICTURES }), /Cannot read "DIR\/all\.json": it is not valid JSON/);
  await assert.rejects(
    readCoco("/no/such.json", { shape: SHAPE }),
    /Cannot read "\/no\/such\.json": it does not exist/,
  );
});
