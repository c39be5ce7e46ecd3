import { parseSize } from '../common/parse-size.ts';
import { UsageError } from './usage-error.ts';

/** The arguments and options of a command, checked against the command table. */
export class CommandInput {
  /** The arguments, in order. */
  readonly args: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(args: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.args = args;
    this.#values = values;
  }

  /** Returns whether a switch was given. */
  flag(name: string): boolean {
    return this.#values.has(name);
  }

  /** Returns the value of an option; the last one counts. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** Returns all values of an option that may be repeated. */
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Returns the value of an option that is a size, such as `50GB`, in bytes. Throws `UsageError` if it is not one. */
  size(name: string): number | undefined {
    const text = this.text(name);
    const bytes = text === undefined ? undefined : parseSize(text);
    if (text !== undefined && bytes === undefined)
      throw new UsageError(`Invalid value for --${name}: "${text}". Expected a size such as 50GB.`);
    return bytes;
  }

  /** Returns the value of an option that is a number. The action checks its range. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (text.trim() !== '' && Number.isFinite(number)) return number;
    throw new UsageError(`Invalid value for --${name}: "${text}". Expected a number.`);
  }
}
