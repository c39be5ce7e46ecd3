/** What of a valibot schema the reference reads. */
export interface Schema {
  readonly kind?: string;
  readonly type: string;
  readonly expects?: string | null;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  readonly value?: Schema;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly options?: readonly (Schema | string)[];
  readonly literal?: unknown;
  readonly pipe?: readonly Step[];
}

/** A step of a pipe: a schema, a check or a change. */
interface Step extends Schema {
  readonly requirement?: unknown;
  readonly message?: unknown;
}

/** A field as the reference shows it. */
export interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  readonly type: string;
  /** Fields of the object it is, or of the objects it lists. */
  readonly fields: readonly Field[];
}

/** Takes the wrapping off: optional, piped. */
function bare(schema: Schema): Schema {
  if (schema.wrapped !== undefined && schema.type === 'optional') return bare(schema.wrapped);
  const shaped = schema.pipe?.find((step) => step.entries !== undefined);
  return shaped ?? schema;
}

/** The fields of an object's schema, in their order. */
export function fieldsOf(schema: Schema): Field[] {
  const { entries } = bare(schema);
  if (entries === undefined) return [];
  return Object.entries(entries).map(([name, field]) => ({
    name,
    isOptional: field.type === 'optional',
    type: typeOf(field),
    fields: fieldsOf(inner(field)),
  }));
}

/** The object a field is, or each of what it lists. */
function inner(schema: Schema): Schema {
  const whole = bare(schema);
  if (whole.type === 'array' && whole.item !== undefined) return inner(whole.item);
  if (whole.type === 'record' && whole.value !== undefined) return inner(whole.value);
  if (whole.type === 'nullable' && whole.wrapped !== undefined) return inner(whole.wrapped);
  return whole;
}

/** A type in words, with what its checks ask for. */
function typeOf(schema: Schema): string {
  if (schema.type === 'optional' && schema.wrapped !== undefined) return typeOf(schema.wrapped);
  const checks = (schema.pipe ?? []).flatMap((step) => (step.kind === 'validation' ? [wordsOf(step)] : []));
  const whole = bare(schema);
  const words = [...new Set(checks.filter((words) => words !== undefined))];
  const name = nameOf(whole);
  return [name, ...words.filter((word) => word !== name && word !== `an ${name}`)].join(', ');
}

function nameOf(schema: Schema): string {
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'number':
      return 'number';
    case 'boolean':
      return '`true` or `false`';
    case 'literal':
      return `\`${JSON.stringify(schema.literal)}\``;
    case 'picklist':
      return (schema.options ?? []).map((option) => `\`"${String(option)}"\``).join(' \\| ');
    case 'nullable':
      return `${schema.wrapped === undefined ? 'value' : typeOf(schema.wrapped)}, or \`null\``;
    case 'array':
      return `list of ${schema.item === undefined ? 'values' : typeOf(schema.item)}`;
    case 'union':
    case 'variant':
      return (schema.options ?? [])
        .map((option) => (typeof option === 'string' ? option : typeOf(option)))
        .join(' or ');
    case 'record':
      return `object by name, of ${schema.value === undefined ? 'values' : typeOf(schema.value)}`;
    case 'object':
    case 'loose_object':
      return 'object';
    case 'unknown':
    case 'any':
      return 'any value';
    default:
      return schema.type;
  }
}

/** A check in words: the sentence it refuses with, else its limit. */
function wordsOf({ type, message, requirement }: Step): string | undefined {
  if (typeof message === 'string') return message.replace(/^a text that is /, '').replaceAll('|', '\\|');
  if (type === 'min_value') return `at least ${String(requirement)}`;
  if (type === 'integer') return 'whole';
  return undefined;
}
