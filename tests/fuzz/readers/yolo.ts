/** Sets in the form of Ultralytics' YOLO. */
import { NUMBERS, TEXTS } from "../_mutate.ts";
import { annotatedCases } from "./_annotated.ts";

const YAML = "path: .\ntrain: images/train\nval: [list.txt]\nnc: 2\nnames:\n  0: cat\n  1: dog\n";

/** A description, a list and lines, of which one is damaged. */
export const prepare = annotatedCases({
  spec: "yolo:DIR/data.yaml",
  pictures: ["images/train/a.png", "images/train/b.png", "images/val/c.png"],
  texts: {
    "data.yaml": YAML,
    "list.txt": "./images/val/c.png\n",
    "labels/train/a.txt": "0 0.5 0.5 0.25 0.25\n1 0.1 0.1 0.2 0.2\n",
    "labels/train/b.txt": "1 0.1 0.1 0.9 0.1 0.5 0.9\n",
    "labels/val/c.txt": "0 0.5 0.5 1 1\n",
  },
  hostile: (random, path) => {
    const text = random.pick(TEXTS);
    const many = random.pick([1, 50, 3000]);
    if (path.startsWith("labels")) {
      const number = random.pick(NUMBERS);
      return random.pick([
        `0 .5 ${number} .5 .5`,
        `${number} .5 .5 .5 .5`,
        "0 .5 .5 .5 .5\n".repeat(many),
        `0${" .5".repeat(many)}`,
      ]);
    }
    if (path === "list.txt") {
      return random.pick([text, "images/val/c.png\n".repeat(many), "../../etc/passwd", "/dev/zero"]);
    }
    const aliases = `a: &a [x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\n`;
    return random.pick([
      () => YAML.replace("dog", JSON.stringify(text)),
      () => YAML.replace("images/train", JSON.stringify(text)),
      () => YAML.replace("path: .", `path: ${JSON.stringify(text)}`),
      () => YAML.replace("nc: 2", `nc: ${random.pick(NUMBERS)}`),
      () => `${YAML}kpt_shape: [${random.pick(NUMBERS)}, ${random.pick([2, 3])}]`,
      () => `${aliases}${YAML.replace("images/train", "[*c, *c, *c, *c, *c, *c, *c]")}`,
      () => `a: &a [*a]\n${YAML}`,
      () => `${YAML}x: ${"[".repeat(many)}${"]".repeat(many)}`,
      () => `${YAML}x: ${"{a: ".repeat(many)}1${"}".repeat(many)}`,
      () => `${YAML}${" ".repeat(many)}- ${"? ".repeat(many)}`,
      () => `${YAML}x: !!binary ${text}\ny: !<${many}> z\n? [a, b]\n: c`,
      () => `${YAML}__proto__: {a: 1}\nconstructor: x\n<<: {train: images/val}`,
      () => `names: [${"a, ".repeat(many)}b]\ntrain: images/train`,
      () => `${YAML}---\n${YAML}`,
    ])();
  },
});
