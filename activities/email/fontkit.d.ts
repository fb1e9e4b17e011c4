// fontkit.d.ts: the one function of fontkit that statement.ts calls; the package has no types of its own.
declare module 'fontkit' {
  /** Opens a font file's bytes. pdfkit takes the result in place of the bytes. */
  export function create(bytes: Uint8Array): Uint8Array;
}
