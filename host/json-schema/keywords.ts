/** Keywords that allow and forbid nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  '$anchor',
  '$comment',
  '$id',
  '$schema',
  '$vocabulary',
  'contentEncoding',
  'contentMediaType',
  'default',
  'deprecated',
  'description',
  // From OpenAPI: it names the property that distinguishes the alternatives, which their schemas do anyway.
  'discriminator',
  'example',
  'examples',
  'externalDocs',
  'readOnly',
  'title',
  'writeOnly',
  'xml',
]);

const STRUCTURE = ['$defs', 'definitions', '$ref', 'allOf', 'anyOf', 'oneOf', 'type', 'nullable', 'enum', 'const'];

/** Keywords about values of each type. */
const TYPE_KEYWORDS = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  object: ['properties', 'required', 'additionalProperties', 'propertyNames', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
} as const;

const ENFORCED: ReadonlySet<string> = new Set([...STRUCTURE, ...Object.values(TYPE_KEYWORDS).flat()]);

/** Returns the types that the keywords of a schema without `type` concern. */
export function impliedTypes(schema: object): string[] {
  return Object.entries(TYPE_KEYWORDS)
    .filter(([, keywords]) => keywords.some((keyword) => keyword in schema && keyword !== 'format'))
    .map(([type]) => type);
}

export function isAnnotation(keyword: string): boolean {
  return ANNOTATIONS.has(keyword) || keyword.startsWith('x-');
}

export function isEnforced(keyword: string): boolean {
  return ENFORCED.has(keyword);
}
