import { type Runtime, TemplateObject, type Value } from '../values/value.ts';

/** `self`, whose elements are the template's blocks. */
export class TemplateReference extends TemplateObject {
  readonly typeName = 'TemplateReference';
  readonly #block: (name: string) => Value | undefined;

  constructor(block: (name: string) => Value | undefined) {
    super();
    this.#block = block;
  }

  override item(_runtime: Runtime, key: Value): Value | undefined {
    return typeof key === 'string' ? this.#block(key) : undefined;
  }

  override represent(): string {
    return '<TemplateReference None>';
  }
}
