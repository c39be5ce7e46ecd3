import type { JsonObject, JsonValue } from '../common/json.ts';

/** A schema and its path. */
export interface Located {
  readonly schema: JsonValue;
  readonly path: string;
}

/** A schema that is an object, and its path. */
export interface Part {
  readonly schema: JsonObject;
  readonly path: string;
}
