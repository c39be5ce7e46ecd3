import * as v from 'valibot';
import { parseJson } from '../common/json-limits.ts';
import { validate } from '../common/validate.ts';

/** The state of LM Studio's server. */
export interface ServerStatus {
  readonly running: boolean;
  /** Undefined if the server has never been started. */
  readonly port: number | undefined;
}

const Port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

const Status = v.object({ running: v.boolean(), port: v.nullish(Port) });

/** Parses the output of `lms server status --json --quiet`; undefined if it is invalid. */
export function readServerStatus(stdout: string): ServerStatus | undefined {
  const { success, output } = validate(Status, json(stdout));
  return success ? { running: output.running, port: output.port ?? undefined } : undefined;
}

const Loaded = v.array(v.looseObject({ identifier: v.optional(v.string()), modelKey: v.optional(v.string()) }));

/** Returns the name of the first model in the output of `lms ps --json`; undefined if none is loaded. */
export function readFirstLoaded(stdout: string): string | undefined {
  const { success, output } = validate(Loaded, json(stdout));
  if (!success) return undefined;
  const [first] = output;
  return (first?.identifier ?? first?.modelKey)?.slice(0, 512);
}

const ServerConfig = v.object({ port: Port });

/** Returns the port in LM Studio's `.internal/http-server-config.json`; undefined if it is invalid. */
export function readConfiguredPort(text: string): number | undefined {
  const { success, output } = validate(ServerConfig, json(text));
  return success ? output.port : undefined;
}

/** Parses the whole text or its last line: versions without `--quiet` print other lines first. */
function json(text: string): unknown {
  const whole = text.trim();
  for (const candidate of [whole, whole.split('\n').at(-1) ?? '']) {
    try {
      return parseJson(candidate);
    } catch {
      // Try the next one.
    }
  }
  return undefined;
}
