import type { JsonObject, JsonValue } from '../common/json.ts';

/** A schema, and where it is. */
export interface Located {
  readonly schema: JsonValue;
  readonly path: string;
}

/** A schema that is an object, and where it is. */
export interface Part {
  readonly schema: JsonObject;
  readonly path: string;
}
