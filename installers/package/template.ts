/** Values for a template: words, and whether a section is there. */
export type TemplateValues = ReadonlyMap<string, string>;

/**
 * Fills a template. `{{name}}` is a value; the lines between `{{#name}}` and `{{/name}}` stay where there is a value
 * whose name begins with `name.`.
 *
 * @throws Error for a name without a value.
 */
export function fillTemplate(template: string, values: TemplateValues): string {
  const sections = new Set([...values.keys()].map((name) => name.split('.')[0]));
  return template
    .replace(/^\{\{#([\w-]+)\}\}\n([\s\S]*?)^\{\{\/\1\}\}\n/gm, (_, name: string, lines: string) =>
      sections.has(name) ? lines : '',
    )
    .replace(/\{\{([\w.-]+)\}\}/g, (_, name: string) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`Expected a value for {{${name}}}`);
      return value;
    });
}
