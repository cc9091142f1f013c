import assert from "node:assert/strict";
import { makeLink } from "../../tests/_support/link.ts";
import { boxesOf, readFiles, refusesOne } from "./_test_boxes.ts";
import { type Content, picture, withFiles } from "./_test_pictures.ts";
import type { BoxOptions } from "./_annotated.ts";
import { readYolo } from "./yolo.ts";

const SHAPE = { height: 32, width: 32, channels: 3 };

const NAMES = "names:\n  0: cat\n  1: dog\n";

/** Two pictures to learn from and one to judge by, with a cat each. */
function sound(yaml = `path: .\ntrain: images/train\nval: images/val\n${NAMES}`): Record<string, Content> {
  const files: Record<string, Content> = { "data.yaml": yaml };
  for (const path of ["train/a", "train/b", "val/c"]) {
    files[`images/${path}.png`] = picture();
    files[`labels/${path}.txt`] = "0 0.5 0.5 0.5 0.5\n";
  }
  return files;
}

const read = (files: Record<string, Content>, options: Partial<BoxOptions> = {}) =>
  readFiles(files, (dir) => readYolo(`${dir}/data.yaml`, { shape: SHAPE, ...options }));

Deno.test("readYolo() reads folders, boxes of lines and of outlines, and classes in the order of their numbers", async () => {
  const files = sound();
  files["labels/train/a.txt"] = "1 0.25 0.5 0.5 1\n\n0 0.1 0.2 0.3 0.2 0.2 0.6\r\n";
  delete files["labels/train/b.txt"];
  const { train, test, validation, skipped, notes } = await read(files);
  assert.deepEqual([train.count, test.count, validation, skipped], [2, 1, undefined, []]);
  assert.deepEqual(train.targets.boxes.names, ["cat", "dog"]);
  // 64x48 becomes 32x24, 4 rows below the top: y is 0.125 + 0.75 y, heights are 0.75 of theirs.
  const [[dog, cat], none] = boxesOf(train);
  assert.deepEqual([dog, none], [[0.25, 0.5, 0.5, 0.75, 1, 0], []]);
  const expected = [0.2, 0.125 + 0.75 * 0.4, 0.2, 0.75 * 0.4, 0, 0];
  assert.ok(cat.every((value, i) => Math.abs(value - expected[i]) < 1e-6), String(cat));
  assert.deepEqual(notes, ["Pictures of whatever size are letterboxed to 32x32x3."]);
});

Deno.test("readYolo() finds its parts: path and names in any form, lists, several folders, one level too many", async () => {
  const counts = async (yaml: string, more: Record<string, Content> = {}) => {
    const { train, validation, test } = await read({ ...sound(yaml), ...more });
    return [train.count, validation?.count, test.count];
  };
  const list = { "train.txt": "images/train/a.png\n./images/train/b.png\n", "images/list.txt": "./val/c.png\n" };
  assert.deepEqual(await counts("train: images/train\nval: images/val\nnc: 2\nnames: [cat, 3]"), [2, undefined, 1]);
  assert.deepEqual(await counts(`train: train.txt\nval: images/list.txt\n${NAMES}`, list), [2, undefined, 1]);
  assert.deepEqual(await counts(`train: ../images/train\nval: ../images/val\ntest:\n${NAMES}`), [2, undefined, 1]);
  assert.deepEqual(await counts(`path: gone/away\ntrain: images/train\nval: images/val\n${NAMES}`), [2, undefined, 1]);
  assert.deepEqual(await counts(`train: [images/train, images/val]\n${NAMES}`), [2, undefined, 1]);
  const three = { "images/test/d.png": picture() };
  const all = `train: images/train\nvalid: images/val\ntest: images/test\n${NAMES}`;
  assert.deepEqual(await counts(all, three), [2, 1, 1]);
  // The last folder called images, and none of a name that has it within.
  const deep = {
    "images/my images/x.png": picture(),
    "labels/my images/x.txt": "1 .5 .5 .5 .5",
    "images/images/y.png": picture(),
    "images/labels/y.txt": "1 .5 .5 .5 .5",
    "labels/images/y.txt": "7",
  };
  const { train } = await read({
    ...sound(`train: [images/my images, images/images]\nval: images/val\n${NAMES}`),
    ...deep,
  });
  assert.deepEqual(boxesOf(train).map((boxes) => boxes.map(([, , , , label]) => label)), [[1], [1]]);
  const beside = { "train/x.png": picture(), "train/x.txt": "1 .5 .5 .5 .5", "train/classes.txt": "cat\ndog" };
  assert.deepEqual(await counts(`train: [train]\nval: images/val\n${NAMES}`, beside), [1, undefined, 1]);
});

Deno.test("readYolo() names what is wrong with a line, counts it, and leaves it out where that is asked for", async () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ["2 .5 .5 .5 .5", /its class is "2", a number from 0 to 1 is needed/],
    ["-1 .5 .5 .5 .5", /its class is "-1"/],
    ["cat .5 .5 .5 .5", /its class is "cat"/],
    ["0 .5 .5 .5", /it has 3 numbers after the class, 4 are needed/],
    ["0 .5 .5 .5 .5 .5", /it has 5 numbers/],
    ["0 .5 nan .5 .5", /its number 2 is "nan", a finite number is needed/],
    ["0 .5 .5 1e999 .5", /its number 3 is "1e999"/],
    ["0 .5 .5 -.5 .5", /it is reversed: its right edge 0\.25 comes before its left edge 0\.75/],
    ["0 .5 .5 .5 0", /it has no area: it is 0 high/],
    ["0 .9 .5 .5 .5", /it is outside of the picture: it reaches from 0\.65 to 1\.15/],
    ["0 320 240 64 48", /it is outside of the picture/],
    ["0 .5 .5 .5 .5 .5 .5", /it has no area/],
  ];
  for (const [line, because] of faults) {
    const files = { ...sound(), "labels/train/a.txt": `0 .5 .5 .5 .5\n${line}\n` };
    const { train, skipped } = await refusesOne((skipBadImages) => read(files, { skipBadImages }), {
      what: "box",
      because,
    });
    assert.deepEqual([boxesOf(train)[0].length, skipped[0].file, skipped[0].box], [
      1,
      "DIR/labels/train/a.txt",
      "line 2",
    ]);
  }
});

Deno.test("readYolo() takes the box of a pose, whatever points follow, and refuses lines with more or fewer", async () => {
  const shapes: readonly (readonly [shape: string, points: string])[] = [
    ["[2, 2]", ".1 .1 .3 .3"],
    ["[1, 2]", ".1 .1"],
    ["[1, 3]", ".1 .1 2"],
    ["[2, 3]", ".1 .1 2 .9 .9 0"],
    ["[17, 3]", "0 0 0 ".repeat(17).trim()],
  ];
  for (const [shape, points] of shapes) {
    const files = sound(`train: images/train\nval: images/val\nkpt_shape: ${shape}\n${NAMES}`);
    for (const path of ["train/a", "train/b", "val/c"]) {
      files[`labels/${path}.txt`] = `1 0.25 0.5 0.5 1 ${points}\n`;
    }
    const { train, test } = await read(files);
    const dog = [[0.25, 0.5, 0.5, 0.75, 1, 0]];
    assert.deepEqual([...boxesOf(train), ...boxesOf(test)], [dog, dog, dog], shape);
    const needed = 4 + points.split(" ").length;
    for (const rest of ["", points.slice(0, points.lastIndexOf(" ")), `${points} .5`, `${points} .5 .5`]) {
      const numbers = `.5 .5 .5 .5 ${rest}`.trim();
      const bad = { ...files, "labels/train/a.txt": `1 0.25 0.5 0.5 1 ${points}\n0 ${numbers}\n` };
      const has = numbers.split(" ").length;
      const kinds = shape.slice(1, -1).replace(", ", "x");
      await refusesOne((skipBadImages) => read(bad, { skipBadImages }), {
        what: "box",
        because: new RegExp(
          `line 2 of "DIR/labels/train/a\\.txt" \\(it has ${has} numbers after the class, ${needed} are needed: 4 of ` +
            `the box and ${kinds} of points, as the kpt_shape of "DIR/data\\.yaml" says\\)`,
        ),
      });
    }
  }
  // Without points, as some write it.
  const { train } = await read(sound(`train: images/train\nval: images/val\nkpt_shape:\n${NAMES}`));
  assert.equal(train.count, 2);
});

Deno.test("readYolo() names pictures that are missing, damaged or named twice, and texts without a picture", async () => {
  const list = `train: train.txt\nval: images/val\n${NAMES}`;
  const cases: readonly (readonly [files: Record<string, Content>, because: RegExp])[] = [
    [{ "images/train/a.png": "no" }, /"DIR\/images\/train\/a\.png" \(it is no picture/],
    [{ "labels/train/z.txt": "0 .5 .5 .5 .5" }, /"DIR\/labels\/train\/z\.txt" \(it has no picture/],
    [{ "labels/train/a.txt": Uint8Array.of(0xff, 0xfe) }, /"DIR\/labels\/train\/a\.txt" \(it is no text in UTF-8/],
    [{ "data.yaml": list, "train.txt": "images/train/a.png\nimages/train/z.png" }, /z\.png" \(it does not exist/],
    [
      { "data.yaml": list, "train.txt": "images/train/a.png\n\nimages/train/a.png" },
      /a\.png" \(it is named twice, by line 1 of "DIR\/train\.txt" and by line 3 of "DIR\/train\.txt"/,
    ],
    [
      { "data.yaml": list, "train.txt": "images/train/a.png\n../../etc/passwd" },
      /it is outside of the data's folder; it is line 2 of "DIR\/train\.txt"/,
    ],
    [{ "data.yaml": list, "train.txt": "images/train/a.png\n/etc/passwd" }, /it is outside of the data's folder/],
  ];
  for (const [files, because] of cases) {
    const all = { ...sound(), ...files };
    await refusesOne((skipBadImages) => read(all, { skipBadImages }), { what: "picture", because });
  }
  const orphans = Object.fromEntries(["z", "x", "y"].map((name) => [`labels/train/${name}.txt`, "0 .5 .5 .5 .5"]));
  await assert.rejects(
    read({ ...sound(), ...orphans }),
    /Cannot read 3 pictures of .*, the first: "DIR\/labels\/train\/x\.txt"/,
  );
  const same = sound(`train: images/train\nval: images/train\n${NAMES}`);
  await assert.rejects(read(same), /Cannot read 2 pictures of .* named twice/);
});

Deno.test("readYolo() refuses descriptions that are none, by line or key", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["train: [a\nval: b", /Cannot read "DIR\/data\.yaml": line \d is no YAML: /],
    ["a: 1\na: 2", /line 2 is no YAML: Map keys must be unique/],
    ["[".repeat(9000), /line 1 is no YAML: it has too many levels/],
    ["", /it is no YAML with keys, train, val and names are needed/],
    ["- a", /it is no YAML with keys/],
    [NAMES, /its train is missing, a folder, a file, or a list of such is needed/],
    [`train: 3\n${NAMES}`, /its train is 3, a folder/],
    [`train: [images/train, [x]]\n${NAMES}`, /its train is \["images\/train",\["x"\]\], a folder/],
    [`train: images/none\n${NAMES}`, /its train "images\/none" does not exist, a folder in "DIR" is needed/],
    [`train: ../../etc\n${NAMES}`, /its train "\.\.\/\.\.\/etc" is outside of the data's folder/],
    [`train: /etc\n${NAMES}`, /its train "\/etc" is outside of the data's folder/],
    [`train: labels\n${NAMES}`, /its train "DIR\/labels" has no JPEG or PNG/],
    [`path: [1]\ntrain: images/train\n${NAMES}`, /its path is \[1\], a folder is needed/],
    [`path: /no/such\ntrain: images/train\n${NAMES}`, /its path "\/no\/such" is no folder/],
    ["train: images/train", /its names is missing, a list of names/],
    ["train: images/train\nnames: []", /its names is \[\], a list of names/],
    ["train: images/train\nnames: {0: a, 2: b}", /its names is \{"0":"a","2":"b"\}, a list/],
    ["train: images/train\nnames: [a, [b]]", /its names is \["a",\["b"\]\], a list/],
    ["train: images/train\nnames: [a, b, a]", /it names the class "a" twice/],
    ["train: images/train\nnames: [a, b]\nnc: 3", /its nc is 3, it has 2 names/],
    ...["17", "[17]", "[17, 4]", "[0, 2]", "[-1, 2]", "[1.5, 2]", "[2, 2, 2]", '["2", 2]', "[2, true]", "{0: 2}"].map((
      shape,
    ) =>
      [
        `train: images/train\nnames: [a]\nkpt_shape: ${shape}`,
        /Cannot read "DIR\/data\.yaml": its kpt_shape is .*, a list of two, how many points and 2 or 3 numbers of each, is/,
      ] as const
    ),
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\ntrain: [${"*c,".repeat(9)}]`,
      /its aliases cannot be read: they stand for too much/,
    ],
  ];
  for (const [yaml, because] of cases) {
    await assert.rejects(read(sound(yaml)), (error) => {
      assert.match(String(error), because, yaml.slice(0, 60));
      return true;
    });
  }
  await assert.rejects(
    readYolo("/no/such.yaml", { shape: SHAPE }),
    /Cannot read "\/no\/such\.yaml": it does not exist/,
  );
});

Deno.test("readYolo() reads nothing through a link out of the folder", async () => {
  await withFiles({ "x.png": picture(), "x.txt": "0 .5 .5 .5 .5" }, async (outside) => {
    for (const [link, target] of [["images/train/a.png", "x.png"], ["labels/train/a.txt", "x.txt"]]) {
      await withFiles(sound(), async (dir) => {
        await Deno.remove(`${dir}/${link}`);
        makeLink(`${outside}/${target}`, `${dir}/${link}`);
        const { skipped } = await readYolo(`${dir}/data.yaml`, { shape: SHAPE, skipBadImages: true });
        assert.deepEqual(skipped.map(({ because }) => because.replace(/;.*/, "")), [
          "it is a link out of the data's folder",
        ]);
      });
    }
  });
});
