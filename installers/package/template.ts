/** The values of a template by name, such as `linux-x64.sha256`. */
export type TemplateValues = ReadonlyMap<string, string>;

/**
 * Fills in a template. Replaces `{{name}}` by its value, and keeps the lines between `{{#name}}` and `{{/name}}` only
 * if there is a value whose name starts with `name.`.
 *
 * @throws Error if a value is missing.
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
