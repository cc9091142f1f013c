/** What a file answers to a picture, as people and programs read it. Places are in pixels of the picture. */

/** A name, and how sure the model is of it. */
export interface Scored {
  readonly name: string;
  /** From 0 to 1. */
  readonly probability: number;
}

/** An answer of one task to one picture. */
export type PictureAnswer =
  /** The class of the picture, and the next ones. */
  | ({ readonly kind: "class"; readonly output: string; readonly next: readonly Scored[] } & Scored)
  /** The labels that the picture has, the surest first. */
  | { readonly kind: "labels"; readonly output: string; readonly labels: readonly Scored[] }
  /** Numbers, as of regression. */
  | { readonly kind: "numbers"; readonly output: string; readonly numbers: readonly NamedNumber[] }
  /** Things in the picture, the surest first. */
  | { readonly kind: "boxes"; readonly boxes: readonly FoundThing[] }
  /** Points of the picture. */
  | { readonly kind: "points"; readonly output: string; readonly points: readonly NamedPoint[] }
  /** The class of each pixel. */
  | {
    readonly kind: "mask";
    readonly output: string;
    readonly classes: readonly ClassShare[];
    readonly mask: PixelClasses;
  };

/** A number with what it stands for. */
export interface NamedNumber {
  readonly name: string;
  readonly value: number;
  /** "" where there is none. */
  readonly unit: string;
}

/** A thing that was found. */
export interface FoundThing extends Scored {
  /** The class, an index. */
  readonly group: number;
  /** Of the upper left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A point that was found; it may lie outside of the picture. */
export interface NamedPoint {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** How much of a picture is of a class. */
export interface ClassShare {
  readonly name: string;
  /** The class, an index. */
  readonly group: number;
  readonly share: number;
}

/** Classes of pixels all over the picture, [height, width], as fine as the model has them. */
export interface PixelClasses {
  readonly height: number;
  readonly width: number;
  readonly classes: Uint8Array;
}
