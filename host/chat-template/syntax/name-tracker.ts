import { TemplateSyntaxError } from '../errors.ts';

/** Names of the existing filters and tests. */
export interface KnownNames {
  readonly filters: ReadonlySet<string>;
  readonly tests: ReadonlySet<string>;
}

/** Collects the variables, filters and tests that a template uses while it is parsed. */
export class NameTracker {
  readonly #known: KnownNames;
  /**
   * Whether an unknown filter or test is an error only when it is evaluated. As in Jinja, this is the case in an `if`,
   * where templates can test for a filter before they use it. Elsewhere compilation fails.
   */
  #lenient = false;
  /** Errors for unknown filters and tests outside conditions. */
  readonly #unknown: TemplateSyntaxError[] = [];
  /** Names read by the template and by each macro that encloses the current position. */
  readonly #macroReads: Set<string>[] = [];

  constructor(known: KnownNames) {
    this.#known = known;
  }

  checkFilter(name: string, line: number): void {
    if (!this.#known.filters.has(name)) this.#recordUnknown(`No filter named '${name}'.`, line);
  }

  checkTest(name: string, line: number): void {
    if (!this.#known.tests.has(name)) this.#recordUnknown(`No test named '${name}'.`, line);
  }

  /** Records that a variable is read. */
  recordRead(name: string): void {
    for (const reads of this.#macroReads) reads.add(name);
  }

  /** Returns a position for {@link discardUnknownSince}. */
  mark(): number {
    return this.#unknown.length;
  }

  /** Discards the unknown names recorded since `mark`, because the expression is conditional. */
  discardUnknownSince(mark: number): void {
    this.#unknown.length = mark;
  }

  /** @throws TemplateSyntaxError for the first unknown filter or test outside conditions. */
  assertKnown(): void {
    const [first] = this.#unknown;
    if (first !== undefined) throw first;
  }

  /** Runs `parse` with unknown filters and tests allowed or not. */
  withLeniency<T>(lenient: boolean, parse: () => T): T {
    const before = this.#lenient;
    this.#lenient = lenient;
    const parsed = parse();
    this.#lenient = before;
    return parsed;
  }

  /** Runs `parse` for a macro's body or a whole template and returns the variables that it reads. */
  collectReads<T>(parse: () => T): { parsed: T; reads: ReadonlySet<string> } {
    const reads = new Set<string>();
    this.#macroReads.push(reads);
    const parsed = parse();
    this.#macroReads.pop();
    return { parsed, reads };
  }

  #recordUnknown(message: string, line: number): void {
    if (!this.#lenient) this.#unknown.push(new TemplateSyntaxError(message, line));
  }
}
