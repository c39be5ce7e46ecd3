/** Conversions of arguments as Web IDL describes them, as far as these interfaces need them. */

/** Converts a dictionary: undefined and null become an empty one. */
export function toDictionary(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' && typeof value !== 'function') throw new TypeError(`${what} is not an object.`);
  return value as Record<string, unknown>;
}

/** Converts a sequence; undefined stays undefined. */
export function toSequence(value: unknown, what: string): unknown[] | undefined {
  if (value === undefined) return undefined;
  if (!isIterable(value)) throw new TypeError(`${what} is not a sequence.`);
  return [...value];
}

export function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function';
}

/** Converts a value of an enumeration. */
export function toEnum<T extends string>(value: unknown, values: readonly T[], what: string): T {
  const text = `${value}`;
  if (!values.includes(text as T)) throw new TypeError(`"${text}" is not a valid value of ${what}.`);
  return text as T;
}

/** Checks that a function was called with at least one argument. */
export function oneArgument(args: readonly unknown[]): readonly [unknown, unknown] {
  if (args.length === 0) throw new TypeError('1 argument required, but only 0 present.');
  return [args[0], args[1]];
}

/** Returns a required member. */
export function required(dictionary: Record<string, unknown>, name: string): unknown {
  const value = dictionary[name];
  if (value === undefined) throw new TypeError(`The member "${name}" is required.`);
  return value;
}

export function toSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || !('aborted' in value) || !('addEventListener' in value)) {
    throw new TypeError('The member "signal" is not an AbortSignal.');
  }
  return value as AbortSignal;
}

/** Converts language tags to their canonical form. @throws RangeError for an invalid one. */
export function toLanguages(value: unknown, what: string): string[] | undefined {
  const tags = toSequence(value, what)?.map((tag) => toLanguage(tag));
  return tags && [...new Set(tags)];
}

export function toLanguage(value: unknown): string {
  const [tag = ''] = Intl.getCanonicalLocales(`${value}`);
  return tag;
}

let names: Intl.DisplayNames | undefined;

/** Whether a language exists. Which ones a model knows cannot be found out. */
export function isKnownLanguage(tag: string): boolean {
  names ??= new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
  const [language = ''] = tag.split('-');
  return names.of(language) !== undefined;
}

/** A class that pages see. */
export type InterfaceObject = abstract new (...args: never[]) => object;

/** Gives a class the shape of a Web IDL interface, and defines it on the window. */
export function defineInterface(window: Window & typeof globalThis, name: string, object: InterfaceObject): void {
  const prototype: object = object.prototype;
  for (const target of [prototype, object]) {
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(target))) {
      const isMember = typeof descriptor.value === 'function' || descriptor.get !== undefined;
      if (key === 'constructor' || key === 'prototype' || !isMember) continue;
      Object.defineProperty(target, key, { ...descriptor, enumerable: true });
    }
  }
  // The build shortens names.
  Object.defineProperty(object, 'name', { value: name, configurable: true });
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
  Object.defineProperty(window, name, { value: object, configurable: true, writable: true });
}
