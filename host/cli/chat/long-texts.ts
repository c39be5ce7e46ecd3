/** Longest pasted text that is shown as it is, characters. Each key press redraws the line, so a longer one is slow. */
const MAX_SHOWN_PASTE = 1_000;

/** Long texts, and those of several lines, which short labels represent in the line that is edited. */
export class LongTexts {
  readonly #texts = new Map<string, string>();

  /** Returns what to show of a pasted text: the text, or a label if it is long or has several lines. */
  shown(pasted: string): string {
    return pasted.length <= MAX_SHOWN_PASTE && !pasted.includes('\n') ? pasted : this.label(pasted);
  }

  /** Returns a new label for a text. */
  label(text: string): string {
    const lines = text.split('\n').length;
    const size = lines > 1 ? `${lines} lines` : `${text.length} characters`;
    const label = `[Text ${this.#texts.size + 1}: ${size}]`;
    this.#texts.set(label, text);
    return label;
  }

  /** Replaces the labels in a line by their texts. */
  expand(line: string): string {
    return line.replace(/\[Text \d+: \d+ (?:lines|characters)\]/g, (label) => this.#texts.get(label) ?? label);
  }
}
