import type { FilterFunction } from '../values/value.ts';
import { jsonFilter } from './json-filter.ts';
import { markupFilters } from './markup-filters.ts';
import { numberFilters } from './number-filters.ts';
import { prettyPrint } from './pretty-print.ts';
import { selectionFilters } from './selection-filters.ts';
import { sequenceFilters } from './sequence-filters.ts';
import { textFilters } from './text-filters.ts';

/** All filters by name: Jinja's filters except `urlize`, and `tojson` as `transformers` defines it. */
export const FILTERS: ReadonlyMap<string, FilterFunction> = new Map(
  Object.entries({
    ...textFilters,
    ...sequenceFilters,
    ...selectionFilters,
    ...numberFilters,
    ...markupFilters,
    pprint: prettyPrint,
    tojson: jsonFilter,
  }).map(([name, filter]) => [name, filter.length < 3 ? withoutArguments(name, filter) : filter]),
);

/** Returns a filter that throws if it is given arguments. */
function withoutArguments(name: string, filter: FilterFunction): FilterFunction {
  return (runtime, input, args) => {
    args.bind(name, []);
    return filter(runtime, input, args);
  };
}
