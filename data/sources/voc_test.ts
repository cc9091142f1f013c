import assert from "node:assert/strict";
import { bytesOf } from "../pixels.ts";
import sharp from "sharp";
import { makeLink } from "../../tests/_support/link.ts";
import { testWithShared } from "../../tests/_support/shared.ts";
import { placementOf } from "../letterbox.ts";
import { boxesOf, readFiles, refusesOne } from "./_test_boxes.ts";
import { type Content, picture, withFiles } from "./_test_pictures.ts";
import { type BoxOptions, readVoc } from "./voc.ts";

const SHAPE = { height: 32, width: 32, channels: 3 };

type Edges = readonly [number | string, number | string, number | string, number | string];

function object(name: string, [xmin, ymin, xmax, ymax]: Edges, more = ""): string {
  return `<object><name>${name}</name>${more}<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax>` +
    `<ymax>${ymax}</ymax></bndbox></object>`;
}

const SIZE = "<size><width>64</width><height>48</height></size>";

function annotation(objects: string, more = SIZE): string {
  return `<?xml version="1.0"?>\n<annotation>${more}${objects}</annotation>`;
}

const CAT = object("cat", [16, 12, 48, 36]);

/** Two pictures to learn from and one to test by, with a cat each. */
function sound(): Record<string, Content> {
  const files: Record<string, Content> = {
    "ImageSets/Main/train.txt": "a\nb\n",
    "ImageSets/Main/test.txt": "c\n",
  };
  for (const id of ["a", "b", "c"]) {
    files[`JPEGImages/${id}.png`] = picture();
    files[`Annotations/${id}.xml`] = annotation(CAT);
  }
  return files;
}

const read = (files: Record<string, Content>, options: Partial<BoxOptions> = {}) =>
  readFiles(files, (dir) => readVoc(dir, { shape: SHAPE, ...options }));

Deno.test("readVoc() reads lists, boxes in shares of the letterbox, and classes in the order of their names", async () => {
  const files = sound();
  files["Annotations/a.xml"] = annotation(
    object("dog &amp; co", [0, 0, 64, 48], "<truncated>1</truncated><difficult>1</difficult>") + CAT,
  );
  const { train, test, validation, skipped, notes } = await read(files);
  assert.deepEqual([train.count, test.count, validation, skipped], [2, 1, undefined, []]);
  const { image } = train.inputs;
  const { boxes } = train.targets;
  assert.ok(image.kind === "pictures" && boxes.kind === "boxes");
  assert.deepEqual([boxes.names, boxes.most], [["cat", "dog & co"], 4]);
  // 64x48 becomes 32x24, 4 rows below the top.
  assert.deepEqual(placementOf(image, 1), {
    left: 0,
    top: 4,
    width: 32,
    height: 24,
    original: { width: 64, height: 48 },
  });
  assert.deepEqual([...image.bytes.subarray(0, 3)], [114, 114, 114]);
  assert.deepEqual([...image.bytes.subarray(4 * 96, 4 * 96 + 3)], [200, 10, 10]);
  assert.deepEqual(boxesOf(train), [[[0.5, 0.5, 1, 0.75, 1, 1], [0.5, 0.5, 0.5, 0.375, 0, 0]], [[
    0.5,
    0.5,
    0.5,
    0.375,
    0,
    0,
  ]]]);
  assert.deepEqual(notes, [
    "Pictures of whatever size are letterboxed to 32x32x3.",
    "1 of 4 boxes are difficult: they count for nothing.",
    "1 of 4 boxes are truncated, and taken like others.",
  ]);
});

Deno.test("readVoc() takes a val list to choose by, trainval for train, and val for test where there is none", async () => {
  const counts = async (lists: Readonly<Record<string, string>>) => {
    const { "ImageSets/Main/train.txt": _, "ImageSets/Main/test.txt": __, ...files } = sound();
    for (const [name, list] of Object.entries(lists)) files[`ImageSets/Main/${name}.txt`] = list;
    const { train, validation, test } = await read(files);
    return [train.count, validation?.count, test.count];
  };
  assert.deepEqual(await counts({ train: "a", val: "b 1", test: "c\r\n", trainval: "a\nb" }), [1, 1, 1]);
  assert.deepEqual(await counts({ trainval: "a\nb", val: "b", test: "c" }), [2, undefined, 1]);
  assert.deepEqual(await counts({ trainval: "a", test: "c" }), [1, undefined, 1]);
  assert.deepEqual(await counts({ train: "a\nb", val: "c" }), [2, undefined, 1]);
  assert.deepEqual(await counts({ train: "a\nb\nc" }), [2, undefined, 1]);
  assert.deepEqual(await counts({}), [2, undefined, 1]);
});

Deno.test("readVoc() reads folders of parts, and pictures beside their annotations", async () => {
  const folders: Record<string, Content> = {};
  for (const path of ["train/1", "train/2", "valid/3", "test/4"]) {
    folders[`${path}.jpg`] = picture();
    folders[`${path}.xml`] = annotation(CAT);
  }
  const { train, validation, test } = await read(folders);
  assert.deepEqual([train.count, validation?.count, test.count], [2, 1, 1]);
  const partsOf = async (...names: readonly string[]) => {
    const some = Object.entries(folders).filter(([path]) => names.some((name) => path.startsWith(name)));
    const stray = { "stray.jpg": picture(), "stray.xml": annotation(CAT) };
    const { train, validation, test } = await read({ ...Object.fromEntries(some), ...stray });
    return [train.count, validation?.count, test.count];
  };
  assert.deepEqual(await partsOf("train", "valid"), [2, undefined, 1]);
  assert.deepEqual(await partsOf("train"), [1, undefined, 1]);
  const flat = Object.fromEntries(Object.entries(folders).map(([path, content]) => [path.replace("/", "_"), content]));
  const split = async (seed: number) => {
    const { train, test } = await read({ ...flat, "no annotation.jpg": picture() }, { seed, testFraction: 0.5 });
    return [train.count, test.count];
  };
  assert.deepEqual(await split(3), [2, 2]);
});

Deno.test("readVoc() names what is wrong with a box, counts it, and leaves it out where that is asked for", async () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    [object("cat", [48, 12, 16, 36]), /it is reversed: its right edge 16 comes before its left edge 48/],
    [object("cat", [16, 36, 48, 12]), /its bottom edge 12 comes before its top edge 36/],
    [object("cat", [16, 12, 16, 36]), /it has no area: it is 0 wide/],
    [object("cat", [16, 12, 48, 12]), /it has no area: it is 0 high/],
    [object("cat", [16, 12, 66, 36]), /it reaches from 16 to 66, the picture is 64 wide/],
    [object("cat", [16, -2, 48, 36]), /it reaches from -2 to 36, the picture is 48 high/],
    [object("cat", [64, 12, 65, 36]), /it has no area/],
    [object("cat", ["nan", 12, 48, 36]), /its xmin is "nan", a finite number is needed/],
    [object("cat", [16, 12, "1e999", 36]), /its xmax is "1e999"/],
    [object("cat", [16, "", 48, 36]), /its ymin is "", a finite/],
    ["<object><name>cat</name></object>", /it has no <bndbox>/],
    ["<object/>", /it is empty/],
    [CAT.replace("<name>cat</name>", ""), /it has no <name>/],
    [CAT.replace("<name>cat</name>", "<name>cat</name><name>dog</name>"), /it has no <name>, or several/],
    [object("cat", [16, 12, 48, 36], "<difficult>perhaps</difficult>"), /its difficult is "perhaps", 0 or 1/],
  ];
  for (const [bad, because] of faults) {
    const files = sound();
    files["Annotations/a.xml"] = annotation(CAT + bad);
    const { train, skipped } = await refusesOne((skipBadImages) => read(files, { skipBadImages }), {
      what: "box",
      because,
    });
    assert.deepEqual([train.count, boxesOf(train)[0].length], [2, 1]);
    assert.deepEqual(skipped.map(({ file, box }) => [file, box]), [["DIR/Annotations/a.xml", "object 2"]]);
    assert.match(skipped[0].because, because);
  }
});

Deno.test("readVoc() names a class that the training part has not, and the nearest that it has", async () => {
  const files = sound();
  files["Annotations/c.xml"] = annotation(object("cats", [16, 12, 48, 36]) + CAT);
  await assert.rejects(
    read(files),
    /object 1 of "DIR\/Annotations\/c\.xml" \(its class "cats" is unknown, needed is one of cat \(did you mean "cat"\?\)\)/,
  );
});

Deno.test("readVoc() clips boxes that are a pixel over, and takes the picture's own size where none is said", async () => {
  const files = sound();
  files["Annotations/a.xml"] = annotation(object("cat", [-1, 12, 65, 36]), "<size><width>0</width></size>");
  files["Annotations/b.xml"] = annotation(object("cat", [-1, 12, 66.5, 36]), "");
  const { train, skipped } = await read(files, { skipBadImages: true });
  assert.deepEqual(boxesOf(train), [[[0.5, 0.5, 1, 0.375, 0, 0]], []]);
  assert.deepEqual(skipped.map(({ file, box }) => [file, box]), [["DIR/Annotations/b.xml", "object 1"]]);
});

Deno.test("readVoc() names pictures that are missing, damaged, named twice or of another size", async () => {
  const cases: readonly (readonly [change: (files: Record<string, Content>) => void, RegExp])[] = [
    [(files) => delete files["JPEGImages/a.png"], /"DIR\/Annotations\/a\.xml" \(it has no picture, "a\.jpg" is needed/],
    [
      (files) => delete files["Annotations/a.xml"],
      /a\.xml" \(it does not exist; it is named by line 1 of "DIR\/.*train/,
    ],
    [(files) => files["JPEGImages/a.png"] = "no picture", /"DIR\/JPEGImages\/a\.png" \(it is no picture/],
    [
      (files) => files["ImageSets/Main/test.txt"] = "c\n\na\n",
      /named twice, by line 1 of "DIR\/ImageSets\/Main\/train\.txt" and by line 3 of "DIR\/ImageSets\/Main\/test\.txt"/,
    ],
    [(files) => files["JPEGImages/a.png"] = picture({ width: 48 }), /it has 48x48 pixels, its annotation says 64x48/],
    [
      (files) => files["ImageSets/Main/train.txt"] = "../../b\na\n",
      /it is outside of the data's folder; it is named by line 1/,
    ],
    [(files) => files["Annotations/a.xml"] = annotation(CAT).slice(0, 90), /line \d is no XML: /],
    [(files) => files["Annotations/a.xml"] = "", /it is empty, XML is needed/],
    [(files) => files["Annotations/a.xml"] = "<a></a>", /it has no <annotation>/],
    [
      (files) => files["Annotations/a.xml"] = `<!DOCTYPE a [<!ENTITY x "y">]>${annotation(CAT)}`,
      /it declares a document type, which is not read/,
    ],
    [(files) => files["Annotations/a.xml"] = "<a>".repeat(5000), /line 1 is no XML: Invalid/],
    [
      (files) => files["Annotations/a.xml"] = `${"<a>".repeat(100)}${"</a>".repeat(100)}`,
      /it is no XML that can be read: Maximum nested tags/,
    ],
    [(files) => files["Annotations/a.xml"] = Uint8Array.of(0xff, 0xfe, 0x41), /it is no text in UTF-8/],
  ];
  for (const [change, because] of cases) {
    const files = sound();
    change(files);
    await refusesOne((skipBadImages) => read(files, { skipBadImages }), { what: "picture", because });
  }
});

Deno.test("readVoc() takes the picture that an annotation names, and none of two annotations of one", async () => {
  const files = sound();
  delete files["JPEGImages/a.png"];
  files["JPEGImages/other.png"] = picture();
  files["Annotations/a.xml"] = annotation(CAT, `<filename>C:\\photos\\other.png</filename>${SIZE}`);
  assert.equal((await read(files)).train.count, 2);
  files["Annotations/a.xml"] = annotation(CAT, `<filename>b.png</filename>${SIZE}`);
  await assert.rejects(read(files), /"DIR\/JPEGImages\/b\.png" \(it is named twice, by line 1 of .* and by line 2 of /);
});

Deno.test("readVoc() reads references to characters by number, once, and leaves those to none as they are", async () => {
  // Python's ElementTree writes what is not ASCII so.
  const names: readonly (readonly [written: string, name: string])[] = [
    ["r &amp; d &#228;", "r & d ä"],
    ["&#xE4;&#xe4;&#x1F600;&#128512;&#0228;", "ää😀😀ä"],
    ["&amp;#228; &amp;amp; &#38;lt;", "&#228; &amp; &lt;"],
    ["&lt;&#49;&gt;", "<1>"],
    ["a&#0;&#1;&#xD800;&#xfffe;&#1114112;&#x110000;&#99999999999999999999;", ""],
    [" &#32;b&#10;", "b"],
  ];
  for (const [written, name] of names) {
    const files = sound();
    for (const id of ["a", "b", "c"]) files[`Annotations/${id}.xml`] = annotation(object(written, [16, 12, 48, 36]));
    const { train } = await read(files);
    assert.deepEqual(train.targets.boxes.names, [name === "" ? written : name]);
  }
  const files = sound();
  files["JPEGImages/Bär & Öl.png"] = files["JPEGImages/a.png"];
  delete files["JPEGImages/a.png"];
  files["Annotations/a.xml"] = annotation(CAT, `<filename>B&#228;r &amp; &#xD6;l.png</filename>${SIZE}`);
  assert.equal((await read(files)).train.count, 2);
});

Deno.test("readVoc() says which of two annotations named a picture, and which picture one has not", async () => {
  const flat: Record<string, Content> = { "a.png": picture(), "b.png": picture() };
  for (const id of ["a", "b", "c"]) flat[`${id}.xml`] = annotation(CAT, `<filename>a.png</filename>${SIZE}`);
  await assert.rejects(read(flat), /"DIR\/a\.png" \(it is named twice, by "DIR\/[ac]\.xml" and by "DIR\/[ac]\.xml"/);
  delete flat["a.png"];
  await assert.rejects(read(flat), /it has no picture, "[ac]\.jpg" or "a\.png" is needed/);
});

Deno.test("readVoc() reads nothing through a link out of the folder", async () => {
  await withFiles({ "x.png": picture(), "x.xml": annotation(CAT) }, async (outside) => {
    for (const [link, target] of [["JPEGImages/a.png", "x.png"], ["Annotations/a.xml", "x.xml"]]) {
      await withFiles(sound(), async (dir) => {
        await Deno.remove(`${dir}/${link}`);
        makeLink(`${outside}/${target}`, `${dir}/${link}`);
        await assert.rejects(readVoc(dir, { shape: SHAPE }), /Cannot read 1 picture/);
      });
    }
  });
});

Deno.test("readVoc() turns pictures as their EXIF says, unless the annotation is of the picture as it is stored", async () => {
  const turned = sharp({ create: { width: 64, height: 48, channels: 3, background: "red" } }).jpeg()
    .withMetadata({ orientation: 6 }).toBuffer();
  const files = sound();
  files["JPEGImages/a.jpg"] = files["JPEGImages/b.jpg"] = turned;
  delete files["JPEGImages/a.png"];
  delete files["JPEGImages/b.png"];
  files["Annotations/b.xml"] = annotation(CAT, "<size><width>48</width><height>64</height></size>");
  const { train: { inputs: { image } } } = await read(files);
  assert.ok(image.kind === "pictures");
  const originals = [0, 1].map((i) => placementOf(image, i).original);
  assert.deepEqual(originals, [{ width: 64, height: 48 }, { width: 48, height: 64 }]);
});

Deno.test("readVoc() refuses a set without pictures or boxes, and limits without reading the rest", async () => {
  await assert.rejects(read({ "readme.txt": "" }), /it has no annotated picture, at least 2 are needed/);
  const empty = { "a.jpg": picture(), "a.xml": annotation(""), "b.jpg": picture(), "b.xml": annotation("") };
  await assert.rejects(read(empty), /it has no|no picture to train on has a box/);
  await assert.rejects(read({ ...sound(), "ImageSets/Main/test.txt": "\n" }), /it names no picture/);
  const files = sound();
  files["JPEGImages/a.png"] = "bad";
  files["JPEGImages/b.png"] = "bad";
  await assert.rejects(read(files, { skipBadImages: true }), /"DIR train": it has no picture that can be read/);
  assert.equal((await read(sound(), { limit: 1 })).train.count, 1);
});

Deno.test("readVoc() draws by its seed, 0 by default, keeps the order where nothing is left out, and refuses odd shares", async () => {
  const flat: Record<string, Content> = {};
  for (let i = 0; i < 8; i++) {
    flat[`${i}.png`] = picture({ background: { r: 20 * i, g: 0, b: 0 } });
    flat[`${i}.xml`] = annotation(CAT);
  }
  // Which pictures are in the training part, and in which order: the red of their middles.
  const reds = async (options: Partial<BoxOptions>, files = flat) => {
    const { image } = (await read(files, options)).train.inputs;
    assert.ok(image.kind === "pictures");
    const side = image.height * image.width * 3;
    return Array.from({ length: image.bytes.length / side }, (_, i) => bytesOf(image.bytes)[i * side + 16 * 96 + 48]);
  };
  assert.deepEqual(await reds({}), await reds({ seed: 0 }));
  assert.notDeepEqual(await reds({}), await reds({ seed: 1 }));
  const listed = {
    ...Object.fromEntries(Object.entries(flat).map(([path, content]) => [`JPEGImages/${path}`, content])),
    ...Object.fromEntries(Object.keys(flat).map((path) => [`Annotations/${path}`, annotation(CAT)])),
    "ImageSets/Main/train.txt": "5\n2\n4\n",
    "ImageSets/Main/test.txt": "1\n",
  };
  assert.deepEqual(await reds({}, listed), [100, 40, 80]);
  assert.deepEqual(await reds({ limit: 3 }, listed), [100, 40, 80]);
  assert.equal((await reds({ limit: 2 }, listed)).length, 2);
  assert.deepEqual(await reds({ learnLimit: 2 }, listed), await reds({ limit: 2 }, listed));
  assert.equal((await read(flat, { learnLimit: 1, testFraction: 0.5 })).test.count, 4);
  assert.deepEqual(await reds({ limit: 2 }, listed), await reds({ limit: 2, seed: 0 }, listed));
  for (const testFraction of [0, 1, NaN]) {
    await assert.rejects(read(flat, { testFraction }), /the test fraction is (0|1|NaN), needed is one between 0 and 1/);
  }
  await assert.rejects(
    read({ "a.png": picture(), "a.xml": annotation(CAT) }),
    /it has 1 annotated picture, at least 2/,
  );
});

testWithShared("readVoc() reads BCCD's own split, without its two boxes of one pixel", "data/bccd", async (dir) => {
  await assert.rejects(readVoc(dir, { shape: SHAPE }), /Cannot read 2 boxes of .*it has no area: it is 0 wide/);
  const { train, validation, test, skipped } = await readVoc(dir, { shape: SHAPE, skipBadImages: true });
  assert.deepEqual([train.count, validation?.count, test.count, skipped.length], [205, 87, 72, 2]);
  const counted = [train, validation ?? train, test].flatMap((set) => boxesOf(set).flat());
  assert.equal(counted.length, 4886);
});
