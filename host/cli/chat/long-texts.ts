/** Longest pasted text that is shown as it is, characters. Each key press redraws the line, so a longer one is slow. */
const MAX_SHOWN_PASTE = 1_000;

/** Characters of the beginning of a text that its label shows. */
const MAX_START = 24;
const CONTROL = /\p{Cc}/u;
const NOT_SHOWN = /[\p{C}[\]]+/gu;

/** Long texts, and those of several lines, which short labels represent in the line that is edited. */
export class LongTexts {
  readonly #texts = new Map<string, string>();

  /**
   * Returns what to show of a text that is inserted: the text, or a label if it is long, has several lines, or characters
   * that readline or the terminal would take for keys or commands.
   */
  shown(text: string): string {
    return text.length <= MAX_SHOWN_PASTE && !CONTROL.test(text) ? text : this.label(text);
  }

  /** Returns a new label for a text: its beginning and its size. */
  label(text: string): string {
    const lines = text.split('\n').length;
    const size = lines > 1 ? `${lines} lines` : `${text.length} characters`;
    const start = text.trimStart().slice(0, MAX_START).split('\n')[0]?.replace(NOT_SHOWN, ' ').trim();
    const label = `[Text ${this.#texts.size + 1}: "${start} …", ${size}]`;
    this.#texts.set(label, text);
    return label;
  }

  /** Replaces the labels in a line by their texts. */
  expand(line: string): string {
    return line.replace(
      /\[Text \d+: "[^\]]*", \d+ (?:lines|characters)\]/g,
      (label) => this.#texts.get(label) ?? label,
    );
  }
}
