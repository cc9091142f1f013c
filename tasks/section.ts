/**
 * Sections that a task adds to the report, as data.
 *
 * A task knows what its numbers mean and the report how to show them: terminal and page render a section by its kind
 * alone. Texts are plain text.
 */

/** A section of a task's own. */
export type Section<Picture = PictureBytes> =
  | TableSection
  | BarsSection
  | CurveSection
  | MatrixSection
  | PicturesSection<Picture>;

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
export interface PicturesSection<Picture = PictureBytes> extends SectionHead {
  readonly kind: "pictures";
  readonly rows: readonly PictureRow<Picture>[];
}

/** One picture, shown once for each panel. */
export interface PictureRow<Picture = PictureBytes> {
  readonly caption: string;
  readonly picture: Picture;
  readonly panels: readonly PicturePanel[];
}

/** What one model, or the truth, marks in a picture. */
export interface PicturePanel {
  readonly name: string;
  /** Whose marks they are, which gives their colour where they have no class. */
  readonly model?: "float" | "simulated" | "deployed" | "truth";
  readonly marks: readonly Mark[];
}

/** A mark in a picture; positions and sizes are shares of the picture's sides. */
export type Mark =
  /** `x` and `y` are those of the upper left corner; `group` is the class, which gives the colour. */
  | {
    readonly kind: "box";
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly label?: string;
    readonly group: number;
  }
  | { readonly kind: "points"; readonly points: readonly (readonly [x: number, y: number])[] }
  /** Classes [height, width] of pixels; 255 is none. */
  | { readonly kind: "mask"; readonly height: number; readonly width: number; readonly classes: Uint8Array };

/** A picture as bytes [height, width, channels]. */
export interface PictureBytes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/** A picture as a file within a text. */
export interface PictureSource {
  readonly height: number;
  readonly width: number;
  /** A data URL. */
  readonly src: string;
}

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
