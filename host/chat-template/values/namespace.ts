import { represent, representText } from '../text/represent.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** Jinja's `namespace`: the only type whose attributes a template can set, for example to pass values out of a loop. */
export class Namespace extends TemplateObject {
  readonly typeName = 'Namespace';
  readonly #attributes: Map<string, Value>;

  constructor(attributes: Iterable<readonly [string, Value]>) {
    super();
    this.#attributes = new Map(attributes);
  }

  set(name: string, value: Value): void {
    this.#attributes.set(name, value);
  }

  override attribute(_runtime: Runtime, name: string): Value | undefined {
    return this.#attributes.get(name);
  }

  override represent(runtime: Runtime): string {
    const entries = [...this.#attributes].map(
      ([name, value]) => `${representText(runtime, name)}: ${represent(runtime, value)}`,
    );
    return `<Namespace {${entries.join(', ')}}>`;
  }
}
