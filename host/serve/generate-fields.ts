import type { JsonObject, JsonValue } from '../common/json.ts';
import { generateSettingNames } from '../protocol/actions/generation.ts';
import { invalidParam } from './api-error.ts';
import type { ReadyModel } from './models.ts';

/** Settings of the host under the names that other programs give them. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  repeat_penalty: 'repetition_penalty',
  chat_template_kwargs: 'template_kwargs',
};

/** `reasoning_effort` as the setting `reasoning`. */
const EFFORTS: Readonly<Record<string, string>> = {
  none: 'off',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
};

const LENGTHS = ['max_new_tokens', 'max_completion_tokens', 'max_tokens'];

/** Fields of every request for text. */
const COMMON = ['model', 'stream', 'stream_options', 'reasoning_effort'];

/** Fields that change what is answered and can have only one value here, with that value. */
const ONLY: Readonly<Record<string, JsonValue | undefined>> = {
  n: 1,
  best_of: 1,
  logprobs: false,
  top_logprobs: 0,
  echo: false,
  suffix: '',
  functions: undefined,
  function_call: undefined,
  audio: undefined,
};

/** A request for text as `GENERATE` takes it, and the fields of the request that have no effect here. */
export interface GenerateFields {
  readonly settings: JsonObject;
  readonly ignored: readonly string[];
}

/**
 * Converts the fields of a request for text to settings of `GENERATE`, which checks their values. Null is the same as
 * absent.
 *
 * @param own The fields that the caller converts.
 * @throws ApiError for a field that would change the answer and is not supported.
 */
export function generateFields(body: JsonObject, own: readonly string[]): GenerateFields {
  const settings: JsonObject = {};
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(body)) {
    if (value === null || value === undefined || own.includes(name) || COMMON.includes(name)) continue;
    const setting = OTHER_NAMES[name] ?? name;
    if (generateSettingNames.includes(setting)) settings[setting] = value;
    else if (Object.hasOwn(ONLY, name)) assertOnly(name, value);
    else ignored.push(name);
  }
  const { reasoning_effort: effort } = body;
  if (effort !== undefined && effort !== null) {
    const reasoning = typeof effort === 'string' && Object.hasOwn(EFFORTS, effort) ? EFFORTS[effort] : undefined;
    if (reasoning === undefined) throw invalidParam('reasoning_effort', Object.keys(EFFORTS).join(', '));
    settings.reasoning = reasoning;
  }
  return { settings, ignored };
}

function assertOnly(name: string, value: JsonValue): void {
  const only = ONLY[name];
  if (value === only) return;
  throw invalidParam(name, only === undefined ? 'absent, because it is not supported' : JSON.stringify(only));
}

/** Without a limit in the request, an answer may fill the context of the model, as in OpenAI's API. */
export function withLength(settings: JsonObject, { contextSize }: ReadyModel): JsonObject {
  if (contextSize === 0 || LENGTHS.some((name) => settings[name] !== undefined)) return settings;
  return { ...settings, max_new_tokens: contextSize };
}

/** How a request wants its answer. */
export interface StreamOptions {
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/** @throws ApiError. */
export function streamOptions({ stream, stream_options: options }: JsonObject): StreamOptions {
  if (typeof (stream ?? false) !== 'boolean') throw invalidParam('stream', 'true or false');
  if (typeof (options ?? {}) !== 'object' || Array.isArray(options)) throw invalidParam('stream_options', 'an object');
  const { include_usage: includeUsage } = (options ?? {}) as JsonObject;
  if (typeof (includeUsage ?? false) !== 'boolean') throw invalidParam('stream_options.include_usage', 'true or false');
  return { stream: stream === true, includeUsage: includeUsage === true };
}
