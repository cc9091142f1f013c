/**
 * What a picture's first bytes say of it: its format and how large it is, before anything of it is decoded.
 *
 * Sources: PNG specification (third edition), 5.2 signature and 11.2.1 IHDR; ITU-T T.81 (JPEG), B.1.1 markers and B.2.2 frame
 * header; the signatures of other formats by their own specifications.
 */

/** A JPEG or PNG picture, by its header. */
export interface PictureHeader {
  readonly width: number;
  readonly height: number;
  /** Bytes of a pixel once it is decoded. */
  readonly pixelBytes: number;
}

/** Returns the header of a JPEG or PNG file, or why it is none, as the end of a sentence that begins with "it". */
export function readPictureHeader(bytes: Uint8Array): PictureHeader | string {
  if (bytes.length === 0) return "it is empty";
  if (startsWith(bytes, PNG)) return readPng(bytes);
  if (startsWith(bytes, [0xff, 0xd8])) return readJpeg(bytes);
  const other = OTHERS.find(({ is }) => is(bytes));
  return other === undefined ? "it is no picture" : `it is ${other.name}`;
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

interface Format {
  /** With its article. */
  readonly name: string;
  readonly is: (bytes: Uint8Array) => boolean;
}

/** Formats that are often called .jpg or .png and are neither. */
const OTHERS: readonly Format[] = [
  { name: "a WebP", is: (bytes) => hasText(bytes, "RIFF") && hasText(bytes, "WEBP", 8) },
  { name: "a GIF", is: (bytes) => hasText(bytes, "GIF8") },
  { name: "a TIFF", is: (bytes) => TIFF.some((magic) => startsWith(bytes, magic)) },
  { name: "an AVIF", is: (bytes) => hasText(bytes, "ftypavi", 4) },
  { name: "a HEIC", is: (bytes) => hasText(bytes, "ftyp", 4) },
  { name: "a BMP", is: (bytes) => hasText(bytes, "BM") },
  { name: "a PDF", is: (bytes) => hasText(bytes, "%PDF") },
  { name: "a JPEG XL", is: (bytes) => startsWith(bytes, [0xff, 0x0a]) || hasText(bytes, "JXL ", 4) },
  { name: "a JPEG 2000", is: (bytes) => startsWith(bytes, [0xff, 0x4f]) || hasText(bytes, "jP  ", 4) },
  { name: "an SVG", is: isSvg },
];

/** Little-endian, big-endian, and the same of BigTIFF. */
const TIFF = [[0x49, 0x49, 0x2a, 0], [0x4d, 0x4d, 0, 0x2a], [0x49, 0x49, 0x2b, 0], [0x4d, 0x4d, 0, 0x2b]];

function isSvg(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes.subarray(0, 1024)).trimStart();
  return text.startsWith("<") && /^<(\?xml|!DOCTYPE svg|!--|svg)/i.test(text);
}

function startsWith(bytes: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, i) => bytes[at + i] === byte);
}

function hasText(bytes: Uint8Array, text: string, at = 0): boolean {
  return startsWith(bytes, [...text].map((letter) => letter.charCodeAt(0)), at);
}

/** Channels by the colour type; a palette's entries become colours with alpha. */
const PNG_CHANNELS: ReadonlyMap<number, number> = new Map([[0, 1], [2, 3], [3, 4], [4, 2], [6, 4]]);

function readPng(bytes: Uint8Array): PictureHeader | string {
  if (bytes.length < 29 || !hasText(bytes, "IHDR", 12)) return "it is a PNG whose header is damaged or cut off";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [width, height, depth, type] = [view.getUint32(16), view.getUint32(20), bytes[24], bytes[25]];
  const channels = PNG_CHANNELS.get(type);
  if (width === 0 || height === 0 || channels === undefined || ![1, 2, 4, 8, 16].includes(depth)) {
    return "it is a PNG whose header is damaged";
  }
  return { width, height, pixelBytes: channels * (depth === 16 ? 2 : 1) };
}

function readJpeg(bytes: Uint8Array): PictureHeader | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return "it is a JPEG whose segments are damaged";
    const marker = bytes[at + 1];
    // Markers may be filled up before, and some stand alone.
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker === 0xda || marker === 0xd9) return "it is a JPEG without a frame";
    else if (isFrame(marker)) return readFrame(view, at + 4);
    else at += 2 + Math.max(view.getUint16(at + 2), 2);
  }
  return "it is a JPEG that is cut off";
}

/** Start of frame, in any of its codings; three of the markers between them are tables. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function readFrame(view: DataView, at: number): PictureHeader | string {
  if (at + 6 > view.byteLength) return "it is a JPEG that is cut off";
  const [precision, height, width, components] = [
    view.getUint8(at),
    view.getUint16(at + 1),
    view.getUint16(at + 3),
    view.getUint8(at + 5),
  ];
  if (width === 0 || height === 0 || components === 0) return "it is a JPEG whose frame is damaged";
  return { width, height, pixelBytes: components * (precision > 8 ? 2 : 1) };
}
