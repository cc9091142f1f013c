/** Sets in the form of Pascal VOC. */
import { NUMBERS, TEXTS } from "../_mutate.ts";
import { annotatedCases } from "./_annotated.ts";

function annotation(object: string, more = ""): string {
  return `<?xml version="1.0"?>\n<annotation>\n  <filename>a.png</filename>${more}\n  <size><width>12</width><height>9</height></size>\n` +
    `  <object>${object}</object>\n  <object><name>dog</name><difficult>1</difficult><bndbox><xmin>0</xmin><ymin>1.5</ymin>` +
    "<xmax>12</xmax><ymax>9</ymax></bndbox></object>\n</annotation>\n";
}

const BOX = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>8</xmax><ymax>7</ymax></bndbox>";
const SOUND = annotation(`<name>cat</name><truncated>0</truncated>${BOX}`);

const IDS = ["a", "b", "c"];

/** Lists and annotations, of which one is damaged. */
export const prepare = annotatedCases({
  spec: "voc:DIR",
  pictures: IDS.map((id) => `JPEGImages/${id}.png`),
  texts: {
    ...Object.fromEntries(IDS.map((id) => [`Annotations/${id}.xml`, SOUND])),
    "ImageSets/Main/train.txt": "a\nb\n",
    "ImageSets/Main/test.txt": "c\n",
  },
  hostile: (random, path) => {
    const text = random.pick(TEXTS);
    if (path.endsWith(".txt")) return random.pick([`a\n${text}`, "a\na", "b\nc\na", "\n".repeat(10_000), "../../c"]);
    const many = random.pick([1, 50, 5000]);
    const entity = `<!DOCTYPE a [<!ENTITY x "${"y".repeat(100)}">]>`;
    return random.pick([
      () => annotation(`<name>${text}</name>${BOX}`),
      () => annotation(`<name>cat</name>${BOX.replace("8", String(random.pick(NUMBERS)))}`),
      () => annotation(`<name>cat</name>${BOX}`, `<${text}>${text}</${text}>`),
      () => annotation(`${"<part>".repeat(many)}${"</part>".repeat(many)}`),
      () => annotation(`<name>cat</name>${BOX.repeat(many)}`),
      () => annotation(`<name>cat</name>${BOX}</object><object>`.repeat(many)),
      () => SOUND.replace("\n<annotation>", `\n${entity}\n<annotation>`).replace("cat", "&x;".repeat(many)),
      () => `<annotation ${`a${many}="${text}" `.repeat(many)}></annotation>`,
      () => annotation(`<name>${"<".repeat(many)}</name>`),
      () => annotation(`<name><![CDATA[${text}]]></name>${BOX}`),
      () => annotation(`<name>&#${many};&amp;</name>${BOX}<!-- ${text} -->`),
    ])();
  },
});
