import * as v from 'valibot';
import { announcedModel } from '../protocol/actions/loaded-models.ts';

/** How the other hosts of the user reach a host. Only the user can read it. */
export const PeerAccess = v.object({
  /** A socket, or on Windows a named pipe. */
  address: v.string(),
  /** What both sides prove to know. It appears in no reply, error or log. */
  secret: v.string(),
});
export type PeerAccess = v.InferOutput<typeof PeerAccess>;

/** What a host announces to the user's other hosts: a file that exists while the host has models loaded. */
export const Announcement = v.object({
  pid: v.number(),
  version: v.string(),
  /** Unix seconds. */
  startedAt: v.number(),
  models: v.array(announcedModel),
  /** Absent where the host could not open an address. */
  access: v.optional(PeerAccess),
  /** Whether it runs until the user ends it, so that models can be loaded in it for later. */
  stays: v.optional(v.boolean()),
});
export type Announcement = v.InferOutput<typeof Announcement>;
