import * as v from 'valibot';

const Status = v.object({
  installed: v.boolean(),
  /** Its command `lms` is there: LM Studio has been started once. */
  bootstrapped: v.boolean(),
  server_running: v.boolean(),
  /** Where its server answers; null while it does not run. */
  api_endpoint: v.nullable(v.string()),
  /** The first model it has in memory, as it names it; null where there is none. */
  current_model: v.nullable(v.string()),
  /** *Ours*: the command. */
  lms_path: v.nullable(v.string()),
});

export const CheckLmStudioRequest = v.looseObject({});
export const CheckLmStudioPayload = Status;
export const LmStudioStatusRequest = v.looseObject({});
export const LmStudioStatusPayload = Status;
export const StartLmStudioRequest = v.looseObject({});
export const StartLmStudioPayload = v.object({ server_running: v.literal(true), api_endpoint: v.string() });
export const StopLmStudioRequest = v.looseObject({});
export const StopLmStudioPayload = v.object({ server_running: v.literal(false) });
