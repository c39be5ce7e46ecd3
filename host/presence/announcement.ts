import * as v from 'valibot';
import { announcedModel } from '../protocol/actions/loaded-models.ts';
import { programName } from '../protocol/fields.ts';

/** The access of the user's other hosts to a host. Only the user can read it. */
export const PeerAccess = v.object({
  /** Path of a socket, or on Windows of a named pipe. */
  address: v.string(),
  /** Shared secret that both sides prove to know. It never appears in replies, errors or logs. */
  secret: v.string(),
});
export type PeerAccess = v.InferOutput<typeof PeerAccess>;

/** A host's announcement to the user's other hosts: a file that exists while the host has loaded models. */
export const Announcement = v.object({
  pid: v.number(),
  version: v.string(),
  /** In Unix seconds. */
  startedAt: v.number(),
  /** The name of the program that started it. */
  program: v.optional(programName),
  models: v.array(announcedModel),
  /** Absent if the host could not listen on an address. */
  access: v.optional(PeerAccess),
  /** Whether the host runs until the user ends it, and can therefore load models for later use. */
  stays: v.optional(v.boolean()),
});
export type Announcement = v.InferOutput<typeof Announcement>;
