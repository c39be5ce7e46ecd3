/** A JSON value as a message from outside may hold it. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** A JSON object: what a frame carries. */
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** Says whether a parsed JSON value is an object, as every message must be. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
