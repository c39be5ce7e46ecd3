import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { count, field, optional, programName } from '../fields.ts';

/** A version number; real ones are far shorter. */
const version = v.pipe(v.string(), v.maxLength(64, 'a version such as "1.2.3"'));

export const ping = defineAction({
  name: 'PING',
  summary: "Returns the host's version; use it to check that the host is running.",
  request: {
    clientVersion: optional(version, "Extension: the client's own version."),
    oldestHost: optional(version, 'Extension: the oldest host version the client works with.'),
    program: optional(
      programName,
      "Extension: the name of the program that started this host, such as `Firefox`. The user's other programs show it for the models that this host has loaded.",
    ),
  },
  response: v.object({
    response: field(v.literal('pong'), 'Always `pong`.'),
    version: field(v.string(), "The host's version."),
    pid: field(count, 'The process id of the host.'),
    oldestClient: field(v.string(), 'Extension: the oldest client version this host works with.'),
    update: optional(
      v.picklist(['client', 'host']),
      'Extension: the side that is too old for the other. The `message` of the reply says what to do.',
    ),
  }),
  topLevel: 'payload',
});
