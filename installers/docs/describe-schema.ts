import * as v from 'valibot';
import type { Schema } from '../../host/protocol/fields.ts';

/** A field as the reference shows it. */
export interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  readonly type: string;
  readonly description: string;
  /** The fields of the object, or of the objects in the list or record. */
  readonly fields: readonly Field[];
}

/** The properties of a valibot schema, or of a step of its pipe, that the reference uses. */
interface SchemaParts {
  readonly kind: string;
  readonly type: string;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly value?: Schema;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly (Schema | string)[];
  readonly literal?: unknown;
  readonly pipe?: readonly SchemaParts[];
  readonly requirement?: unknown;
  readonly message?: unknown;
}

const partsOf = (schema: Schema) => schema as unknown as SchemaParts;

/** Returns the fields of an object's schema, in the order of their declaration. */
export function fieldsOf(schema: Schema): Field[] {
  const { options } = partsOf(schema);
  // A field that occurs in several objects of a union is shown once.
  if (options !== undefined) {
    const all = options.flatMap((option) => (typeof option === 'string' ? [] : fieldsOf(option)));
    return [...new Map(all.toReversed().map((field) => [field.name, field])).values()].toReversed();
  }
  return Object.entries(entriesOf(schema) ?? {}).map(([name, field]) => ({
    name,
    isOptional: field.type === 'optional',
    type: typeOf(field),
    description: v.getDescription(contentOf(field)) ?? v.getDescription(field) ?? '',
    fields: fieldsOf(elementOf(field)),
  }));
}

/** Returns the schema inside `optional`. */
function contentOf(schema: Schema): Schema {
  const { type, wrapped } = partsOf(schema);
  return type === 'optional' && wrapped !== undefined ? wrapped : schema;
}

/** Returns the entries of an object's schema, which may be inside a pipe. */
function entriesOf(schema: Schema): SchemaParts['entries'] {
  const { entries, pipe = [] } = partsOf(contentOf(schema));
  return (
    entries ??
    pipe.map((step) => (step.kind === 'schema' ? entriesOf(step as unknown as Schema) : undefined)).find(Boolean)
  );
}

/** Returns the schema of the elements of a list or record, or of the value inside `nullable`. */
function elementOf(schema: Schema): Schema {
  const content = contentOf(schema);
  const { type, item, value, wrapped } = partsOf(content);
  if (type === 'array' && item !== undefined) return elementOf(item);
  if (type === 'record' && value !== undefined) return elementOf(value);
  if (type === 'nullable' && wrapped !== undefined) return elementOf(wrapped);
  return content;
}

/** Returns a description of a type and its limits. */
function typeOf(schema: Schema): string {
  const content = contentOf(schema);
  const title = v.getTitle(content);
  if (title !== undefined) return title;
  const limits = limitsOf(partsOf(content));
  const isInteger = limits.includes('an integer');
  const name = isInteger ? 'integer' : nameOf(content);
  return [name, ...new Set(limits.filter((limit) => limit !== `an ${name}`))].join(', ');
}

function nameOf(schema: Schema): string {
  const { type, literal, options = [], wrapped, item, value } = partsOf(schema);
  const describe = (part: Schema | undefined) => (part === undefined ? 'any value' : typeOf(part));
  if (entriesOf(schema) !== undefined) return 'object';
  switch (type) {
    case 'boolean':
      return '`true` or `false`';
    case 'literal':
      return `\`${JSON.stringify(literal)}\``;
    case 'picklist':
      return options.map((option) => `\`"${String(option)}"\``).join(' \\| ');
    case 'nullable':
      return `${describe(wrapped)}, or \`null\``;
    case 'array':
      return `list of ${describe(item)}`;
    case 'union':
    case 'variant':
      return [...new Set(options.map((option) => (typeof option === 'string' ? option : typeOf(option))))].join(' or ');
    case 'record':
      return `object with any keys, of ${describe(value)}`;
    case 'unknown':
      return 'any value';
    default:
      return type;
  }
}

/** Returns a description of the limits that the checks of a pipe set. */
function limitsOf({ pipe = [] }: SchemaParts): string[] {
  return pipe.flatMap((step) => {
    if (step.kind === 'schema') return limitsOf(step);
    if (step.kind !== 'validation') return [];
    if (typeof step.message === 'string')
      return [step.message.replace(/^a string that is /, '').replaceAll('|', '\\|')];
    return step.type === 'min_value' ? [`at least ${String(step.requirement)}`] : [];
  });
}
