import * as v from 'valibot';
import { LoadedModelEntry } from '../protocol/actions/models.ts';

/** What a host tells the others of itself: one file, as long as it has models in memory. */
export const Announcement = v.object({
  pid: v.number(),
  version: v.string(),
  /** Unix seconds. */
  startedAt: v.number(),
  models: v.array(LoadedModelEntry),
});
export type Announcement = v.InferOutput<typeof Announcement>;
