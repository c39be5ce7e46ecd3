import * as v from 'valibot';
import { announcedModel } from '../protocol/actions/loaded-models.ts';

/** What a host announces to the user's other hosts: a file that exists while the host has models loaded. */
export const Announcement = v.object({
  pid: v.number(),
  version: v.string(),
  /** Unix seconds. */
  startedAt: v.number(),
  models: v.array(announcedModel),
});
export type Announcement = v.InferOutput<typeof Announcement>;
