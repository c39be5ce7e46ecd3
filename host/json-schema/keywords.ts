/** Keywords without effect on validation. */
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
  // From OpenAPI: names the property that distinguishes the alternatives, which their schemas define anyway.
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

/** Keywords for values of each type. */
const TYPE_KEYWORDS = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  object: ['properties', 'required', 'additionalProperties', 'propertyNames', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
} as const;

const ENFORCED: ReadonlySet<string> = new Set([...STRUCTURE, ...Object.values(TYPE_KEYWORDS).flat()]);

/** Returns the types to which the keywords of a schema apply, which are its types if it has no `type`. */
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
