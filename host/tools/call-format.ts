import { isJsonObject, type JsonObject } from '../common/json.ts';
import { parseJsonObject } from '../common/json-limits.ts';
import { choice, EMPTY, type Expression, maybe, oneOf, repeat, rule, sequence, text } from '../grammar/expression.ts';
import { compileSchema } from '../json-schema/compile.ts';
import { JSON_NOTATION, type Notation, SPACE } from '../json-schema/notation.ts';
import { readLooseValue } from './loose-value.ts';
import { elementNotation, gemmaNotation, PYTHON_NOTATION, type TagStyle, tagNotation, WIDE_GAP } from './notations.ts';
import { readElements, readTags } from './tagged-arguments.ts';
import type { ToolFunction } from './tool-function.ts';

/** The syntax in which a model writes tool calls. */
export interface CallFormat {
  /** Texts that begin a call or a list of calls. */
  readonly triggers: readonly string[];
  /** Whether an answer may also start with a call that has no trigger. */
  readonly isBare?: boolean;
  /** Whether the prompt ends with the trigger, so that the answer begins after it. */
  readonly isOpened?: boolean;
  /** The name that the model writes in place of a function's when it answers with text. */
  readonly textName?: string;
  /**
   * When text is certain to be a call: after its trigger, after the first character that follows, or after the name of a
   * function. A trigger that is a control token is always certain.
   */
  readonly commits: 'trigger' | 'begin' | 'name';
  /** Markers of the format other than triggers. */
  readonly markers: readonly string[];
  readonly shape: CallShape;
}

/** The structure of a call. */
export type CallShape =
  /** An object with the name and the arguments, or a list of such objects. */
  | {
      readonly kind: 'json';
      readonly name: string;
      readonly arguments: string;
      /** A member that identifies the call. `length` is set if the model must write it. */
      readonly id?: { readonly name: string; readonly isFirst?: boolean; readonly length?: number };
      readonly isList: boolean;
      readonly close: string;
    }
  /** A list of objects, each of which maps the name of a function to its arguments. */
  | { readonly kind: 'keyed'; readonly close: string }
  /** The name, then the arguments as JSON. */
  | {
      readonly kind: 'named';
      /** Before a call; the first part of it may be the trigger. */
      readonly open: string;
      readonly id?: 'before' | 'index';
      readonly idClose?: string;
      /** Texts that may separate name and arguments. */
      readonly middles: readonly string[];
      readonly close: string;
      /** Around all calls. */
      readonly section?: { readonly open: string; readonly close: string };
    }
  /** The name, then arguments between tags. */
  | {
      readonly kind: 'tags';
      readonly open: string;
      readonly nameClose: string;
      readonly style: Omit<TagStyle, 'between'>;
      readonly close: string;
      readonly section?: { readonly open: string; readonly close: string };
    }
  /** The name, then an element for each argument, whose own members and items are elements too. */
  | {
      readonly kind: 'elements';
      readonly open: string;
      readonly nameClose: string;
      /** Precedes each tag. */
      readonly mark: string;
      readonly close: string;
      readonly section?: { readonly open: string; readonly close: string };
    }
  /** `call:name{key:value}`. */
  | { readonly kind: 'gemma'; readonly quote: string; readonly close: string }
  /** `[name(key=value)]`. */
  | { readonly kind: 'python'; readonly close: string };

/** The grammar of a format for a set of functions. */
export interface CallLanguage {
  readonly format: CallFormat;
  /** Names of the functions. */
  readonly names: readonly string[];
  /** From the trigger to the first call. */
  readonly open: Expression;
  readonly call: Expression;
  /** Before a further call of the same list; undefined for a format without lists. */
  readonly next: Expression | undefined;
  /** Ends a list. */
  readonly close: Expression;
  /** Reads one call. */
  read(text: string): { name: string; arguments: JsonObject; id?: string } | undefined;
  /** Fields of the request that are not enforced. */
  readonly ignored: readonly string[];
}

/** Most calls of one list. */
const MAX_CALLS = 128;

const ID_CHARACTER = oneOf([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]);

/**
 * Creates the grammar of calls of some functions.
 *
 * @throws SchemaError if a function is strict and its schema cannot be enforced.
 */
export function callLanguage(format: CallFormat, functions: readonly ToolFunction[]): CallLanguage {
  const { shape } = format;
  const ignored: string[] = [];
  const compiled = (notation: Notation, tool: ToolFunction): Expression => {
    const { parameters, field, strict } = tool;
    const made = compileSchema(parameters, { field, strict, notation, isObject: true });
    ignored.push(...made.ignored);
    return rule(tool.name, made.expression);
  };
  const begin = choice(...format.triggers.map(text), ...(format.isBare === true ? [EMPTY] : []));
  const each = (write: (tool: ToolFunction) => Expression) => choice(...functions.map(write));
  const afterTrigger = (written: string) => {
    const trimmed = written.trimStart();
    const trigger = format.triggers.find((candidate) => trimmed.startsWith(candidate)) ?? '';
    return trimmed.slice(trigger.length);
  };
  const language = (parts: Pick<CallLanguage, 'open' | 'call' | 'read'> & Partial<CallLanguage>): CallLanguage => ({
    format,
    names: functions.map(({ name }) => name),
    next: undefined,
    close: EMPTY,
    ...parts,
    read: (written) => parts.read(afterTrigger(written)),
    ignored: [...new Set(ignored)],
  });
  switch (shape.kind) {
    case 'json': {
      const call = sequence(
        text('{'),
        SPACE,
        ...(shape.id?.isFirst === true ? [jsonId(shape.id), JSON_NOTATION.comma] : []),
        JSON_NOTATION.member(
          shape.name,
          each((tool) =>
            sequence(
              text(JSON.stringify(tool.name)),
              JSON_NOTATION.comma,
              JSON_NOTATION.member(shape.arguments, compiled(JSON_NOTATION, tool)),
            ),
          ),
        ),
        ...(shape.id === undefined || shape.id.isFirst === true ? [] : [idAfter(shape.id)]),
        SPACE,
        text('}'),
      );
      const read = (written: string) => readJsonCall(written, shape);
      const closed = sequence(WIDE_GAP, text(shape.close));
      return shape.isList
        ? language({
            open: sequence(begin, WIDE_GAP, text('['), WIDE_GAP),
            call,
            next: sequence(WIDE_GAP, text(','), WIDE_GAP),
            close: sequence(WIDE_GAP, text(']'), shape.close === '' ? EMPTY : closed),
            read,
          })
        : language({ open: sequence(begin, WIDE_GAP), call: shape.close === '' ? call : sequence(call, closed), read });
    }
    case 'keyed':
      return language({
        open: sequence(begin, text('['), SPACE),
        call: sequence(
          text('{'),
          SPACE,
          each((tool) => JSON_NOTATION.member(tool.name, compiled(JSON_NOTATION, tool))),
          SPACE,
          text('}'),
        ),
        next: JSON_NOTATION.comma,
        close: sequence(SPACE, text(']'), text(shape.close)),
        read: readKeyedCall,
      });
    case 'named': {
      const id = shape.id === 'before' ? sequence(repeat(ID_CHARACTER, 1, 40), text(shape.idClose ?? '')) : EMPTY;
      const index = shape.id === 'index' ? sequence(text(':'), repeat(oneOf([0x30, 0x39]), 1, 3)) : EMPTY;
      const call = sequence(
        id,
        each((tool) =>
          sequence(text(tool.name), index, choice(...shape.middles.map(text)), compiled(JSON_NOTATION, tool)),
        ),
        text(shape.close),
      );
      return language({
        ...opened(begin, shape.open, shape.section, call),
        read: (written) => readNamedCall(written, shape, functions),
      });
    }
    case 'tags':
    case 'elements': {
      const { open, nameClose, close, section } = shape;
      const notation =
        shape.kind === 'tags' ? tagNotation({ ...shape.style, between: WIDE_GAP }) : elementNotation(shape.mark);
      const checks = new Map(functions.map((tool) => [tool.name, compiled(JSON_NOTATION, tool)]));
      const call = sequence(
        each((tool) => sequence(text(tool.name), text(nameClose), WIDE_GAP, compiled(notation, tool))),
        WIDE_GAP,
        text(close),
      );
      return language({
        ...opened(begin, open, section, call),
        read: (written) => readTaggedCall(written, shape, checks),
      });
    }
    case 'gemma': {
      const notation = gemmaNotation(shape.quote);
      return language({
        open: sequence(begin, text('call:')),
        call: sequence(
          each((tool) => sequence(text(tool.name), compiled(notation, tool))),
          text(shape.close),
        ),
        read: (written) => readExpression(written, shape.quote),
      });
    }
    case 'python':
      return language({
        open: sequence(begin, WIDE_GAP, text('[')),
        call: each((tool) => sequence(text(tool.name), compiled(PYTHON_NOTATION, tool))),
        next: sequence(text(','), SPACE),
        close: sequence(text(']'), text(shape.close)),
        read: (written) => readExpression(written),
      });
  }
}

/** Returns the grammar of the text after the first call of a list. */
export function following({ call, next, close }: CallLanguage, isParallel: boolean): Expression {
  const more = next === undefined || !isParallel ? EMPTY : repeat(sequence(next, call), 0, MAX_CALLS - 1);
  return sequence(more, close);
}

/** Returns how calls that may be in a section begin and continue. */
function opened(
  begin: Expression,
  open: string,
  section: { readonly open: string; readonly close: string } | undefined,
  call: Expression,
): Pick<CallLanguage, 'open' | 'call' | 'next' | 'close'> {
  // A gap before text that itself begins with white space would be ambiguous.
  const opening = sequence(WIDE_GAP, text(open.trimStart()));
  if (section === undefined) {
    return { open: open === '' ? begin : sequence(begin, opening), call, next: undefined, close: EMPTY };
  }
  return {
    open: sequence(begin, text(section.open), opening),
    call,
    next: opening,
    close: sequence(WIDE_GAP, text(section.close)),
  };
}

type JsonShape = Extract<CallShape, { kind: 'json' }>;

function jsonId({ name, length }: NonNullable<JsonShape['id']>): Expression {
  const characters = length === undefined ? repeat(ID_CHARACTER, 1, 40) : repeat(ID_CHARACTER, length, length);
  return JSON_NOTATION.member(name, sequence(text('"'), characters, text('"')));
}

function idAfter(id: NonNullable<JsonShape['id']>): Expression {
  const written = sequence(JSON_NOTATION.comma, jsonId(id));
  return id.length === undefined ? maybe(written) : written;
}

function between(text: string, first: string, last: string): string {
  return text.slice(text.indexOf(first), text.lastIndexOf(last) + last.length);
}

function readJsonCall(written: string, shape: JsonShape): ReturnType<CallLanguage['read']> {
  const call = parseJsonObject(between(written, '{', '}'));
  const name = call?.[shape.name];
  const given = call?.[shape.arguments];
  if (typeof name !== 'string' || !isJsonObject(given)) return undefined;
  const id = shape.id?.length === undefined ? undefined : call?.[shape.id.name];
  return { name, arguments: given, ...(typeof id === 'string' ? { id } : {}) };
}

function readKeyedCall(written: string): ReturnType<CallLanguage['read']> {
  const [[name, given] = []] = Object.entries(parseJsonObject(between(written, '{', '}')) ?? {});
  return name === undefined || !isJsonObject(given) ? undefined : { name, arguments: given };
}

function readNamedCall(
  written: string,
  shape: Extract<CallShape, { kind: 'named' }>,
  functions: readonly ToolFunction[],
): ReturnType<CallLanguage['read']> {
  const given = parseJsonObject(between(written, '{', '}'));
  const before = written.slice(0, written.indexOf('{'));
  const head = shape.middles.reduce(
    (text, middle) => (text.endsWith(middle) ? text.slice(0, -middle.length) : text),
    before,
  );
  const [index = ''] = shape.id === 'index' ? (/:\d+$/.exec(head) ?? []) : [];
  const named = head.slice(0, head.length - index.length);
  // The longest name that the text ends with: one name may be the end of another.
  const [tool] = functions.filter(({ name }) => named.endsWith(name)).sort((a, b) => b.name.length - a.name.length);
  if (given === undefined || tool === undefined) return undefined;
  const own = named.slice(0, named.length - tool.name.length);
  const start = shape.open === '' ? 0 : own.lastIndexOf(shape.open) + shape.open.length;
  const id =
    shape.id === 'before'
      ? own.slice(start, own.length - (shape.idClose ?? '').length)
      : `functions.${tool.name}${index}`;
  return { name: tool.name, arguments: given, ...(shape.id === undefined ? {} : { id }) };
}

function readTaggedCall(
  written: string,
  shape: Extract<CallShape, { kind: 'tags' | 'elements' }>,
  languages: ReadonlyMap<string, Expression>,
): ReturnType<CallLanguage['read']> {
  const { open, nameClose } = shape;
  const start = open === '' ? 0 : written.indexOf(open.trim()) + open.trim().length;
  const rest = written.slice(Math.max(0, start)).trimStart();
  const name = [...languages.keys()]
    .filter((candidate) => rest.startsWith(candidate + nameClose))
    .sort((a, b) => b.length - a.length)[0];
  if (name === undefined) return undefined;
  const allowed = languages.get(name) ?? EMPTY;
  const given = shape.kind === 'tags' ? readTags(rest, shape.style, allowed) : readElements(rest, shape.mark, allowed);
  return given && { name, arguments: given };
}

function readExpression(written: string, quote?: string): ReturnType<CallLanguage['read']> {
  const [, name, rest = ''] = /(?:call:)?([\w.:/-]+)([({][\s\S]*[)}])/.exec(written) ?? [];
  const given = readLooseValue(rest, quote);
  return name === undefined || !isJsonObject(given) ? undefined : { name, arguments: given };
}
