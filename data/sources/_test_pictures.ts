/** Folders of pictures and annotations for tests of readers. */
import sharp from "sharp";

/** What a file holds: bytes, a text, or what is still being made. */
export type Content = Uint8Array | string | Promise<Uint8Array>;

/** A picture of one colour, as a PNG. */
export function picture(
  { width = 64, height = 48, background = { r: 200, g: 10, b: 10 } }: {
    readonly width?: number;
    readonly height?: number;
    readonly background?: { readonly r: number; readonly g: number; readonly b: number };
  } = {},
): Promise<Uint8Array> {
  return sharp({ create: { width, height, channels: 3, background } }).png().toBuffer();
}

/** Runs `fn` on a folder with `files`, and removes it. */
export async function withFiles<T>(
  files: Readonly<Record<string, Content>>,
  fn: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : await content;
      await Deno.writeFile(`${dir}/${path}`, bytes);
    }
    return await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
