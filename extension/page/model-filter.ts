import type { Capability } from './capabilities.ts';
import { fitOf } from './fit.ts';

/** Which models to show. */
export interface ModelFilter {
  /** Capabilities that a model must have, all of them. */
  readonly capabilities: ReadonlySet<Capability>;
  /** Only models that fit this computer. */
  readonly fits: boolean;
  /** Only models with an open-source license. */
  readonly isOpenSource: boolean;
  /** Largest size, bytes; `Infinity` for any. */
  readonly maxSize: number;
}

/** The filter that every model passes. */
export const NO_FILTER: ModelFilter = {
  capabilities: new Set(),
  fits: false,
  isOpenSource: false,
  maxSize: Number.POSITIVE_INFINITY,
};

/** The properties that models are filtered by. */
export interface FilteredModel {
  readonly capabilities: readonly Capability[];
  /** Bytes; 0 if it is not known. */
  readonly size: number;
  readonly tags: readonly string[];
  /** Whether it is known to fit: it is loaded, or runs elsewhere. */
  readonly isFitting: boolean;
}

/** Licenses that the Open Source Initiative has approved, as Hugging Face names them. Families end in `-`. */
const OPEN_SOURCE: readonly string[] = [
  'apache-2.0',
  'mit',
  'bsd',
  'bsd-',
  'mpl-2.0',
  'gpl',
  'gpl-',
  'lgpl',
  'lgpl-',
  'agpl-3.0',
  'isc',
  'artistic-2.0',
  'ecl-2.0',
  'afl-3.0',
  'eupl-',
  'osl-3.0',
  'ms-pl',
  'ncsa',
  'postgresql',
  'zlib',
  'unlicense',
  'bsl-1.0',
];

/** Returns the license that the tags of a model name, such as `apache-2.0`; undefined if they name none. */
export function licenseOf(tags: readonly string[]): string | undefined {
  return tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
}

function isOpenSource(license: string | undefined): boolean {
  return (
    license !== undefined &&
    OPEN_SOURCE.some((known) => (known.endsWith('-') ? license.startsWith(known) : license === known))
  );
}

/** Returns whether a filter leaves out any model. */
export function isFiltering({ capabilities, fits, isOpenSource, maxSize }: ModelFilter): boolean {
  return capabilities.size > 0 || fits || isOpenSource || Number.isFinite(maxSize);
}

/** Returns whether a model passes a filter. One whose size or license is not known does not pass a filter by it. */
export function passes(model: FilteredModel, filter: ModelFilter, machine: Parameters<typeof fitOf>[1]): boolean {
  const { capabilities, size, tags } = model;
  if ([...filter.capabilities].some((capability) => !capabilities.includes(capability))) return false;
  if (filter.isOpenSource && !isOpenSource(licenseOf(tags))) return false;
  if (Number.isFinite(filter.maxSize) && (size === 0 || size > filter.maxSize)) return false;
  if (!filter.fits || model.isFitting) return true;
  const fit = fitOf(size, machine);
  return fit === 'gpu' || fit === 'memory';
}
