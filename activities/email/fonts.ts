// fonts.ts: the fonts of a statement, opened once per process: reading the tables of a font costs more than drawing a page
// with it. How a word is set (which glyphs, how far apart) is kept too, because statements say the same words.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, type Font, type GlyphRun } from 'fontkit';

export type StatementFonts = { readonly regular: Uint8Array; readonly bold: Uint8Array };

/** Words kept per font; names and amounts are many, so at this number it begins anew. */
const mostWords = 4_000;

let opened: StatementFonts | undefined;

/** What pdfkit takes in place of the bytes of the fonts. */
export function statementFonts(): StatementFonts {
  opened ??= { regular: openFont('NotoSans-Regular'), bold: openFont('NotoSans-Bold') };
  return opened;
}

function openFont(name: string): Font {
  const font = create(readFileSync(fileURLToPath(new URL(`./fonts/${name}.ttf`, import.meta.url))));
  const set = font.layout.bind(font);
  const words = new Map<string, GlyphRun>();
  font.layout = (word, features) => {
    if (features) return set(word, features);
    let run = words.get(word);
    if (!run) {
      if (words.size === mostWords) words.clear();
      run = set(word);
      words.set(word, run);
    }
    return copyOf(run);
  };
  return font;
}

/** pdfkit scales the positions it is given in place: each caller gets its own. */
function copyOf({ glyphs, positions }: GlyphRun): GlyphRun {
  const own = positions.map(position => ({ ...position }));
  return {
    glyphs,
    positions: own,
    get advanceWidth() {
      return own.reduce((width, position) => width + position.xAdvance, 0);
    },
  };
}
