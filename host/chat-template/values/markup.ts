import { TemplateObject, type Value } from './value.ts';

/** Text that is marked as safe HTML by `safe` or `escape`. Text that is joined to it gets escaped. */
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
    throw new Error('Text is represented by representText.');
  }
}

/** The text of a string, marked as safe or not; undefined for other values. */
export function textOf(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Markup ? value.text : undefined;
}

/** Marks a text as safe where the one it was made of is. */
export function markedLike(original: Value, text: string): Value {
  return original instanceof Markup ? new Markup(text) : text;
}

/** Replaces the characters that mean something in HTML. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&#39;')
    .replaceAll('"', '&#34;');
}
