import { TemplateObject, type Value } from './value.ts';

/** A string marked as safe HTML by `safe` or `escape`. Strings that are concatenated with it are escaped. */
export class Markup extends TemplateObject {
  readonly typeName = 'Markup';
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override get isTrue(): boolean {
    return this.text !== '';
  }

  override represent(): string {
    throw new Error('representText formats Markup.');
  }
}

/** Returns the text of a string or `Markup`; undefined for other types. */
export function textOf(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Markup ? value.text : undefined;
}

/** Returns `text` as `Markup` if `original`, from which it was derived, is `Markup`. */
export function markedLike(original: Value, text: string): Value {
  return original instanceof Markup ? new Markup(text) : text;
}

/** Escapes the characters that are special in HTML. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&#39;')
    .replaceAll('"', '&#34;');
}
