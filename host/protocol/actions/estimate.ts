import * as v from 'valibot';
import { field, nullable } from '../fields.ts';

/** Whether and how fast a model would run. */
export const estimate = v.object({
  fits: field(v.boolean(), 'Whether it can be loaded with the memory that is free now.'),
  loadedTo: field(v.picklist(['CPU', 'GPU', 'SPLIT']), 'Where it would run.'),
  tokensPerSecond: nullable(
    v.number(),
    'Expected tokens per second of an answer; null if it does not fit, and until this computer has been measured.',
  ),
  reason: field(v.string(), 'The estimate in a sentence or two.'),
});

export type Estimate = v.InferOutput<typeof estimate>;
