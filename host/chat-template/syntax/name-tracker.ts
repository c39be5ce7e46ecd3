import { TemplateSyntaxError } from '../errors.ts';

/** Names of the filters and tests there are. */
export interface KnownNames {
  readonly filters: ReadonlySet<string>;
  readonly tests: ReadonlySet<string>;
}

/** Notes which names a template uses while it is parsed. */
export class NameTracker {
  readonly #known: KnownNames;
  /**
   * Whether an unknown filter is an error only when it is reached: directly inside an `if`, where templates ask first
   * whether there is such a filter. Elsewhere the whole template is refused.
   */
  #lenient = false;
  /** Unknown filters and tests that are certain to be reached. */
  readonly #unknown: TemplateSyntaxError[] = [];
  /** The names that the template, and each macro around the current place, reads. */
  readonly #macroReads: Set<string>[] = [];

  constructor(known: KnownNames) {
    this.#known = known;
  }

  checkFilter(name: string, line: number): void {
    if (!this.#known.filters.has(name)) this.#note(`No filter named '${name}'.`, line);
  }

  checkTest(name: string, line: number): void {
    if (!this.#known.tests.has(name)) this.#note(`No test named '${name}'.`, line);
  }

  /** Notes that a variable is read. */
  read(name: string): void {
    for (const reads of this.#macroReads) reads.add(name);
  }

  /** A place to go back to with {@link excuseSince}. */
  mark(): number {
    return this.#unknown.length;
  }

  /** What was noted since a mark turned out to stand under a condition. */
  excuseSince(mark: number): void {
    this.#unknown.length = mark;
  }

  /** Throws for the first unknown filter or test that is certain to be reached. */
  assertKnown(): void {
    const [first] = this.#unknown;
    if (first !== undefined) throw first;
  }

  /** Parses with unknown filters and tests allowed, or not. */
  withLeniency<T>(lenient: boolean, parse: () => T): T {
    const before = this.#lenient;
    this.#lenient = lenient;
    const parsed = parse();
    this.#lenient = before;
    return parsed;
  }

  /** Parses a macro's body, or a whole template, and returns which variables it reads. */
  collectReads<T>(parse: () => T): { parsed: T; reads: ReadonlySet<string> } {
    const reads = new Set<string>();
    this.#macroReads.push(reads);
    const parsed = parse();
    this.#macroReads.pop();
    return { parsed, reads };
  }

  #note(message: string, line: number): void {
    if (!this.#lenient) this.#unknown.push(new TemplateSyntaxError(message, line));
  }
}
