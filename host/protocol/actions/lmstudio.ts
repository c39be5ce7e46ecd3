import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { field, nullable } from '../fields.ts';

const status = v.object({
  installed: field(v.boolean(), 'Whether LM Studio is installed.'),
  bootstrapped: field(
    v.boolean(),
    'Whether its command `lms` exists, which LM Studio sets up when it is first started.',
  ),
  server_running: field(v.boolean(), 'Whether its server is running.'),
  api_endpoint: nullable(v.string(), 'The address of its server; null while it is not running.'),
  current_model: nullable(v.string(), "LM Studio's name of the first model it has loaded; null if there is none."),
  lms_path: nullable(v.string(), 'Extension: the path of `lms`; null without one.'),
});

const errors = ['LMSTUDIO_FAILED', 'UNSAFE_FOLDER'] as const;

export const checkLmStudio = defineAction({
  name: 'CHECK_LMSTUDIO',
  summary: 'Returns whether LM Studio is installed and the status of its server.',
  request: {},
  response: status,
  errors,
});

export const lmStudioStatus = defineAction({
  name: 'LMSTUDIO_STATUS',
  summary: 'Alias of `CHECK_LMSTUDIO`.',
  request: {},
  response: status,
  errors,
});

export const startLmStudio = defineAction({
  name: 'START_LMSTUDIO',
  summary: "Starts LM Studio's server, and LM Studio itself if necessary.",
  request: {},
  response: v.object({
    server_running: field(v.literal(true), 'Always true.'),
    api_endpoint: field(v.string(), 'The address of the server.'),
  }),
  errors: ['LMSTUDIO_NOT_INSTALLED', ...errors],
});

export const stopLmStudio = defineAction({
  name: 'STOP_LMSTUDIO',
  summary: "Stops LM Studio's server.",
  request: {},
  response: v.object({ server_running: field(v.literal(false), 'Always false.') }),
  errors: ['LMSTUDIO_NOT_INSTALLED', ...errors],
});
