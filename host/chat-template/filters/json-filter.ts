import { toJson } from '../text/json.ts';
import { toText } from '../text/represent.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { toIndex } from '../values/integers.ts';
import { textOf } from '../values/markup.ts';
import { isTrue, toArray } from '../values/truth.ts';
import type { Runtime, Value } from '../values/value.ts';

/** The filter `tojson` as `transformers` defines it: without HTML escaping. */
export function jsonFilter(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [ensureAscii = false, indent = null, separators = null, sortKeys = false] = args.bind('tojson', [
    'ensure_ascii',
    'indent',
    'separators',
    'sort_keys',
  ]);
  const indentation = indentText(runtime, indent);
  const [itemSeparator, keySeparator] = separators === null ? [] : toArray(runtime, separators);
  return toJson(runtime, input, {
    ensureAscii: isTrue(ensureAscii),
    indent: indentation,
    itemSeparator:
      itemSeparator === undefined ? (indentation === undefined ? ', ' : ',') : toText(runtime, itemSeparator),
    keySeparator: keySeparator === undefined ? ': ' : toText(runtime, keySeparator),
    sortKeys: isTrue(sortKeys),
  });
}

function indentText(runtime: Runtime, indent: Value): string | undefined {
  if (indent === null) return undefined;
  const text = textOf(indent);
  if (text !== undefined) return text;
  const spaces = Math.max(0, toIndex(indent) ?? 0);
  runtime.budget.charge(spaces);
  return ' '.repeat(spaces);
}
