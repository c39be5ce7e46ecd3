import type { JsonObject, JsonValue } from '../common/json.ts';
import { derive } from '../grammar/derive.ts';
import { type Expression, isNothing } from '../grammar/expression.ts';
import { readLooseValue } from './loose-value.ts';
import { ITEM, type TagStyle } from './notations.ts';

/** Deepest nesting of elements, as of JSON schemas. */
const MAX_DEPTH = 64;

/** Most attempts to read an element as one of several types. Usual values need only a few. */
const MAX_ATTEMPTS = 10_000;

/**
 * Reads arguments between tags. Since the type of a value is not always written, the schema decides: a text may look like
 * another type of value.
 *
 * @param allowed The language of the arguments as JSON.
 */
export function readTags(
  written: string,
  style: Omit<TagStyle, 'between'>,
  allowed: Expression,
): JsonObject | undefined {
  const given: [string, JsonValue][] = [];
  let rest = written;
  let left = derive(allowed, '{');
  for (let at = rest.indexOf(style.open); at >= 0; at = rest.indexOf(style.open)) {
    rest = rest.slice(at + style.open.length);
    const middles = [style.middle, style.otherMiddle ?? style.middle];
    const middle = middles.filter((text) => rest.includes(text)).sort((a, b) => rest.indexOf(a) - rest.indexOf(b))[0];
    if (middle === undefined) return undefined;
    const key = rest.slice(0, rest.indexOf(middle));
    const valueStart = key.length + middle.length;
    const valueEnd = rest.indexOf(style.close, valueStart);
    if (valueEnd === -1) return undefined;
    const text = rest.slice(valueStart, valueEnd);
    const before = derive(left, `${given.length === 0 ? '' : ','}${JSON.stringify(key)}:`);
    const other = style.otherMiddle !== undefined && middle === style.middle ? undefined : readLooseValue(text);
    const isOther = other !== undefined && !isNothing(derive(before, JSON.stringify(other)));
    const value = isOther ? other : text;
    left = derive(before, JSON.stringify(value));
    given.push([key, value]);
    rest = rest.slice(valueEnd + style.close.length);
  }
  return Object.fromEntries(given);
}

/** An element that is named for an argument, a member of an object, or {@link ITEM}. */
interface Element {
  readonly name: string;
  readonly children: Element[];
  readonly text: string;
}

/**
 * Reads arguments of which each is an element named for it, and members and items of their values are elements too.
 *
 * @param mark Stands before each tag.
 * @param allowed The language of the arguments as JSON.
 * @returns undefined for what the schema does not allow.
 */
export function readElements(written: string, mark: string, allowed: Expression): JsonObject | undefined {
  const root = elementsOf(written, mark);
  const reader = new ElementReader();
  return root && reader.object(root.children, allowed)?.value;
}

function elementsOf(written: string, mark: string): Element | undefined {
  const root: Element = { name: '', children: [], text: '' };
  const open = [root];
  for (const part of written.split(`${mark}<`).slice(1)) {
    const [, slash, name = '', text = ''] = /^(\/?)([^>]*)>([\s\S]*)$/.exec(part) ?? [];
    const parent = open.at(-1);
    if (slash === undefined || parent === undefined) return undefined;
    if (slash === '/') {
      open.pop();
      // The end of the call, after all arguments.
      if (open.length === 0) break;
    } else {
      const element: Element = { name, children: [], text };
      parent.children.push(element);
      open.push(element);
      if (open.length > MAX_DEPTH) return undefined;
    }
  }
  return root;
}

/** A value, and what may follow it as JSON. */
interface ReadValue<T extends JsonValue = JsonValue> {
  readonly value: T;
  readonly rest: Expression;
}

class ElementReader {
  #attempts = 0;

  /** Reads an element as the first type that the schema allows. */
  value({ children, text }: Element, allowed: Expression): ReadValue | undefined {
    this.#attempts += 1;
    if (isNothing(allowed) || this.#attempts > MAX_ATTEMPTS) return undefined;
    const plain =
      children.length === 0 ? (this.#scalar(readLooseValue(text), allowed) ?? this.#scalar(text, allowed)) : undefined;
    return plain ?? this.#array(children, allowed) ?? this.object(children, allowed);
  }

  object(children: readonly Element[], allowed: Expression): ReadValue<JsonObject> | undefined {
    const members: [string, JsonValue][] = [];
    let rest = derive(allowed, '{');
    for (const [index, child] of children.entries()) {
      const read = this.value(child, derive(rest, `${index === 0 ? '' : ','}${JSON.stringify(child.name)}:`));
      if (read === undefined) return undefined;
      members.push([child.name, read.value]);
      rest = read.rest;
    }
    return ended(Object.fromEntries(members), derive(rest, '}'));
  }

  #array(children: readonly Element[], allowed: Expression): ReadValue<JsonValue[]> | undefined {
    if (children.some(({ name }) => name !== ITEM)) return undefined;
    const items: JsonValue[] = [];
    let rest = derive(allowed, '[');
    for (const [index, child] of children.entries()) {
      const read = this.value(child, index === 0 ? rest : derive(rest, ','));
      if (read === undefined) return undefined;
      items.push(read.value);
      rest = read.rest;
    }
    return ended(items, derive(rest, ']'));
  }

  #scalar(value: JsonValue | undefined, allowed: Expression): ReadValue | undefined {
    return value === undefined ? undefined : ended(value, derive(allowed, JSON.stringify(value)));
  }
}

function ended<T extends JsonValue>(value: T, rest: Expression): ReadValue<T> | undefined {
  return isNothing(rest) ? undefined : { value, rest };
}
