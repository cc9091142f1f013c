/**
 * Sections that a task adds to the report, as data.
 *
 * A task knows what its numbers mean and the report how to show them: terminal and page render a section by its kind
 * alone. Texts are plain text.
 */

/** A section of a task's own, with pictures as the task has them. */
export type Section<Picture = PictureBytes, Pixels = Uint8Array> =
  | TableSection
  | BarsSection
  | CurveSection
  | MatrixSection
  | PicturesSection<Picture, Pixels>;

/** A section as a report holds it, all of it text and numbers. */
export type ReportSection = Section<PictureSource, MaskRuns>;

/** What every section has. */
export interface SectionHead {
  readonly heading: string;
  /** A sentence or two: what is shown, and what to look for. */
  readonly lead: string;
}

/** Rows in columns. */
export interface TableSection extends SectionHead {
  readonly kind: "table";
  readonly columns: readonly SectionColumn[];
  /** A cell a column; null where there is nothing to say. */
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** A column of a table. Numbers are aligned to the right. */
export interface SectionColumn {
  readonly heading: string;
  /** Unit of the column's numbers, as a metric has it; absent: they are plain numbers. */
  readonly unit?: string;
}

/** Bars over named bins or things, such as a histogram; a group of bars where there are several series. */
export interface BarsSection extends SectionHead {
  readonly kind: "bars";
  /** What the labels are, and their unit. */
  readonly x: SectionAxis;
  readonly y: SectionAxis;
  /** A label a bar. */
  readonly labels: readonly string[];
  /** A value a label each. */
  readonly series: readonly (SectionSeries & { readonly values: readonly number[] })[];
}

/** Lines or clouds of points over two numeric axes, such as precision over recall. */
export interface CurveSection extends SectionHead {
  readonly kind: "curve";
  readonly x: SectionAxis;
  readonly y: SectionAxis;
  /** "line" joins the points in their order, "points" does not. */
  readonly marks: "line" | "points";
  /** Whether to draw where y = x, which is where predictions should be over what they predict. */
  readonly diagonal?: boolean;
  readonly series: readonly (SectionSeries & { readonly points: readonly (readonly [x: number, y: number])[] })[];
}

/** Counts of pairs, such as what was given for what; the stronger a cell's share of its row, the darker it is. */
export interface MatrixSection extends SectionHead {
  readonly kind: "matrix";
  readonly rows: { readonly label: string; readonly names: readonly string[] };
  readonly columns: { readonly label: string; readonly names: readonly string[] };
  /** [rows, columns] */
  readonly values: readonly (readonly number[])[];
}

/** Pictures with what models marked in them, side by side. */
export interface PicturesSection<Picture = PictureBytes, Pixels = Uint8Array> extends SectionHead {
  readonly kind: "pictures";
  /** The most telling first: a report keeps no more than so many. */
  readonly rows: readonly PictureRow<Picture, Pixels>[];
  /** Names of the classes that boxes and masks have; absent: there are none. */
  readonly groups?: readonly string[];
  /** Number of rows that a report left out. */
  readonly left?: number;
}

/** One picture, shown once for each panel. */
export interface PictureRow<Picture = PictureBytes, Pixels = Uint8Array> {
  readonly caption: string;
  readonly picture: Picture;
  readonly panels: readonly PicturePanel<Pixels>[];
}

/** What one model, or the truth, marks in a picture. */
export interface PicturePanel<Pixels = Uint8Array> {
  readonly name: string;
  /** Whose marks they are, which gives their colour where they have no class. */
  readonly model?: "float" | "simulated" | "deployed" | "truth";
  readonly marks: readonly Mark<Pixels>[];
}

/** A mark in a picture; positions and sizes are shares of the picture's sides. */
export type Mark<Pixels = Uint8Array> = BoxMark | PointsMark | MaskMark<Pixels>;

/** A box. */
export interface BoxMark {
  readonly kind: "box";
  /** Of the upper left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** In a few characters, such as "cat 0.93"; it is left out where boxes are too close for it. */
  readonly label?: string;
  /** The class, which gives the colour. */
  readonly group: number;
}

/** Points, in the same order in all panels. */
export interface PointsMark {
  readonly kind: "points";
  /** Null stands for a point that is nowhere. */
  readonly points: readonly (readonly [x: number, y: number] | null)[];
}

/** A class for each pixel. */
export interface MaskMark<Pixels = Uint8Array> {
  readonly kind: "mask";
  readonly height: number;
  readonly width: number;
  /** The class of each pixel, [height, width]; 255 is none. */
  readonly pixels: Pixels;
  /** A class that is not coloured, such as the background. */
  readonly clear?: number;
}

/** A picture as bytes [height, width, channels]. */
export interface PictureBytes {
  readonly height: number;
  readonly width: number;
  /** 1 or 3. */
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/** A picture as a file within a text. */
export interface PictureSource {
  readonly height: number;
  readonly width: number;
  /** A data URL of a JPEG. */
  readonly src: string;
}

/** Pixels of pixels, row by row, as "class×pixels" between spaces: "0×12 3×7 0×45". */
export type MaskRuns = string;

/** An axis, or what bars stand on. */
export interface SectionAxis {
  readonly label: string;
  /** Unit of the numbers, as a metric has it. */
  readonly unit?: string;
  /** Where the axis begins and ends; absent: as the values need. */
  readonly min?: number;
  readonly max?: number;
}

/** A line, a cloud, or the bars of one colour. */
export interface SectionSeries {
  readonly name: string;
  /** The model it is about, which gives the colour; the page draws all three kinds of model alike everywhere. */
  readonly model?: "float" | "simulated" | "deployed";
}
