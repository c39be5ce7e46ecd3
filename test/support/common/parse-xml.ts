/** An element of an XML document. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * Parses an XML document without CDATA sections and own entities. Unlike parsers of HTML, it rejects whatever is not
 * well-formed. @throws Error with the rest of the text.
 */
export function parseXml(document: string): XmlElement {
  let rest = document;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const found = pattern.exec(rest) ?? undefined;
    if (found !== undefined) rest = rest.slice(found[0].length);
    return found;
  };
  const skip = () => {
    // A comment must not contain two hyphens.
    while (take(/^(?:\s+|<!--(?:(?!--)[\s\S])*-->)/) !== undefined);
  };
  const fail = (what: string): never => {
    throw new Error(`${what} expected: ${rest.slice(0, 100)}`);
  };
  const decoded = (text: string) =>
    text.replace(/&([^;]*);?/g, (whole, name: string) =>
      whole.endsWith(';') && Object.hasOwn(ENTITIES, name)
        ? (ENTITIES[name] ?? '')
        : fail(`entity instead of ${whole}`),
    );
  const element = (): XmlElement => {
    const [, name = ''] = take(/^<([A-Za-z_][\w.-]*)/) ?? fail('element');
    const attributes: Record<string, string> = {};
    for (let next = take(/^\s+([\w:.-]+)="([^"<]*)"/); next !== undefined; next = take(/^\s+([\w:.-]+)="([^"<]*)"/)) {
      attributes[next[1] ?? ''] = decoded(next[2] ?? '');
    }
    if (take(/^\s*\/>/) !== undefined) return { name, attributes, children: [], text: '' };
    if (take(/^\s*>/) === undefined) fail('">"');
    const children: XmlElement[] = [];
    let text = '';
    for (;;) {
      text += decoded(take(/^[^<]+/)?.[0] ?? '');
      if (rest.startsWith('</')) break;
      if (rest.startsWith('<!--')) {
        const before = rest;
        skip();
        if (rest === before) fail('well-formed comment');
      } else children.push(element());
    }
    if (take(/^<\/([\w.-]+)\s*>/)?.[1] !== name) fail(`end of ${name}`);
    return { name, attributes, children, text: children.length === 0 ? text : text.trim() };
  };
  take(/^\ufeff/);
  take(/^<\?xml version="1\.0" encoding="UTF-(?:8|16)"\?>/) ?? fail('XML declaration');
  skip();
  take(/^<!DOCTYPE [^[\]<>]*>/);
  skip();
  const root = element();
  skip();
  if (rest !== '') fail('end of the document');
  return root;
}
