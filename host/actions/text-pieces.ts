import type { NamedText } from '../models/embedding.ts';

/** Texts that take one turn at the model. */
const MAX_TEXTS_IN_PIECE = 16;

/** Characters of a piece with more than one text: some seconds on a slow machine, which others wait for their turn. */
const MAX_CHARACTERS_IN_PIECE = 16_384;

/** Cuts a list of texts into pieces that each take one turn at the model. */
export function* textPieces(texts: readonly NamedText[]): Generator<readonly NamedText[]> {
  let piece: NamedText[] = [];
  let characters = 0;
  for (const text of texts) {
    const full = piece.length >= MAX_TEXTS_IN_PIECE || characters + text.text.length > MAX_CHARACTERS_IN_PIECE;
    if (full && piece.length > 0) {
      yield piece;
      piece = [];
      characters = 0;
    }
    piece.push(text);
    characters += text.text.length;
  }
  if (piece.length > 0) yield piece;
}
