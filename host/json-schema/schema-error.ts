/** A schema that cannot be enforced. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
  /** Where in the schema: its field of the request, followed by keywords, with dots. */
  readonly path: string;
  /** What is expected there. */
  readonly expected: string;

  constructor(path: string, expected: string) {
    super(`${path}: ${expected}`);
    this.path = path;
    this.expected = expected;
  }
}
