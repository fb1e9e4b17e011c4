// fontkit.d.ts: what fonts.ts uses of fontkit; the package has no types of its own.
declare module 'fontkit' {
  /** The glyphs of a word and where each stands, in units of the font. */
  export type GlyphRun = {
    readonly glyphs: readonly object[];
    readonly positions: readonly { xAdvance: number; yAdvance: number; xOffset: number; yOffset: number }[];
    /** The sum of the positions as they are when it is asked. */
    readonly advanceWidth: number;
  };

  /** pdfkit takes it in place of the bytes. */
  export type Font = Uint8Array & { layout: (text: string, features?: object) => GlyphRun };

  /** Opens a font file's bytes. */
  export function create(bytes: Uint8Array): Font;
}
