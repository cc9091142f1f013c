/** NumPy's files, written plainly. */

/** What a file holds. */
export interface NpyFile {
  /** As in "<f4". */
  readonly descr: string;
  readonly shape: readonly number[];
  /** In the order in which they lie. */
  readonly values: readonly number[];
  readonly isFortran?: boolean;
  /** Default 1. */
  readonly version?: 1 | 2 | 3;
  /** The header's text in place of what the others make. */
  readonly header?: string;
}

/** Writes a file. */
export function npyBytes(
  { descr, shape, values, isFortran = false, version = 1, header }: NpyFile,
): Uint8Array<ArrayBuffer> {
  const sides = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = header ??
    `{'descr': '${descr}', 'fortran_order': ${isFortran ? "True" : "False"}, 'shape': ${sides}, }\n`;
  const start = version === 1 ? 10 : 12;
  const name = new TextEncoder().encode(text);
  const size = Number(/\d+$/.exec(descr)?.[0] ?? 1);
  const bytes = new Uint8Array(start + name.length + values.length * size);
  const view = new DataView(bytes.buffer);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  if (version === 1) view.setUint16(8, name.length, true);
  else view.setUint32(8, name.length, true);
  bytes.set(name, start);
  values.forEach((value, i) => write(view, { at: start + name.length + i * size, value, descr }));
  return bytes;
}

function write(
  view: DataView,
  { at, value, descr }: { readonly at: number; readonly value: number; readonly descr: string },
): void {
  const little = !descr.startsWith(">");
  const writers: Readonly<Record<string, () => void>> = {
    b1: () => view.setUint8(at, value),
    i1: () => view.setInt8(at, value),
    u1: () => view.setUint8(at, value),
    i2: () => view.setInt16(at, value, little),
    u2: () => view.setUint16(at, value, little),
    i4: () => view.setInt32(at, value, little),
    u4: () => view.setUint32(at, value, little),
    i8: () => view.setBigInt64(at, BigInt(value), little),
    u8: () => view.setBigUint64(at, BigInt(value), little),
    f2: () => view.setFloat16(at, value, little),
    f4: () => view.setFloat32(at, value, little),
    f8: () => view.setFloat64(at, value, little),
  };
  writers[descr.replace(/^[<>|=]/, "")]();
}
