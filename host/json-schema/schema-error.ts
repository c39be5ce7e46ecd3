/** A schema is invalid or cannot be enforced. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  /** Path of the keyword or subschema: the request's field and keywords, separated by dots. */
  readonly path: string;
  /** The valid value, as a noun phrase that follows "expected". */
  readonly expected: string;

  constructor(path: string, expected: string) {
    super(`${path}: ${expected}`);
    this.path = path;
    this.expected = expected;
  }
}
