import { validate } from '../common/validate.ts';
import { requestSettings } from '../protocol/actions/generation.ts';
import { savedLoadSettings } from '../protocol/actions/load.ts';
import { generationSettings, type SavedModelSettings, systemPrompt } from '../protocol/actions/model-settings.ts';
import type { Schema } from '../protocol/fields.ts';
import { readAdapters, shownAdapters } from './adapters.ts';
import type { Client } from './client.ts';
import { modelOnDisk } from './model-argument.ts';
import { didYouMean } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** The value that resets a setting. */
const DEFAULT = 'default';

/** The value of a setting that is a list, for an empty one. */
export const NONE = 'none';

/** A setting that a user can name, and where it is in requests. */
export interface NamedSetting<G extends string = string> {
  /** Which settings it belongs to. */
  readonly group: G;
  /** Its name in requests. */
  readonly key: string;
  readonly schema: Schema;
}

/** Shorter names, those of the options of `tabagent run`, for settings of the protocol. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  system: 'system_prompt',
  'max-tokens': 'max_new_tokens',
  context: 'n_ctx',
  'gpu-layers': 'n_gpu_layers',
  threads: 'n_threads',
};

/** A setting that can be saved for a model. The group `system_prompt` is the setting itself. */
export type ModelSetting = NamedSetting<keyof SavedModelSettings>;

/** A setting of a chat. Those of a `request` are not saved. */
export type ChatSetting = NamedSetting<ModelSetting['group'] | 'request'>;

const SAVED_SETTINGS: readonly ModelSetting[] = [
  { group: 'system_prompt' as const, key: 'system_prompt', schema: systemPrompt },
  ...settingsIn('generation', generationSettings),
  ...settingsIn('load', savedLoadSettings),
];

/** The settings that can be saved for a model. */
const OF_MODELS: ReadonlyMap<string, ModelSetting> = new Map(SAVED_SETTINGS.map((setting) => [setting.key, setting]));

/** The settings of a chat: also those of its requests. */
const OF_CHATS: ReadonlyMap<string, ChatSetting> = new Map(
  [...SAVED_SETTINGS, ...settingsIn('request', requestSettings)].map((setting) => [setting.key, setting]),
);

function settingsIn<G extends string>(group: G, entries: Readonly<Record<string, Schema>>): NamedSetting<G>[] {
  return Object.entries(entries).map(([key, schema]) => ({ group, key, schema }));
}

/** Returns the name under which a setting is shown. */
export function shownName(key: string): string {
  const [short] = Object.entries(SHORT_NAMES).find(([, name]) => name === key) ?? [];
  return short ?? key.replaceAll('_', '-');
}

/** The names of the settings that can be saved for a model, for help and completion. */
export const SETTING_NAMES: readonly string[] = [...OF_MODELS.keys()].map(shownName);

/** The names of the settings of a chat. */
export const CHAT_SETTING_NAMES: readonly string[] = [...OF_CHATS.keys()].map(shownName);

/** Returns the setting of a model that has a name, as options or as requests spell it. Throws {@link UsageError}. */
export function settingNamed(typed: string): ModelSetting {
  return namedIn(OF_MODELS, typed);
}

/** Returns the setting of a chat that has a name. Throws {@link UsageError}. */
export function chatSettingNamed(typed: string): ChatSetting {
  return namedIn(OF_CHATS, typed);
}

function namedIn<T>(settings: ReadonlyMap<string, T>, typed: string): T {
  const name = typed.toLowerCase();
  const found = settings.get(SHORT_NAMES[name] ?? name.replaceAll('-', '_'));
  if (found !== undefined) return found;
  const names = [...settings.keys()].map(shownName);
  const hint = didYouMean(name, names) || ` Expected one of ${names.join(', ')}.`;
  throw new UsageError(`Unknown setting: ${typed}.${hint}`);
}

/**
 * Returns the value that was typed for a setting; undefined to reset it.
 *
 * @param words The arguments that were typed.
 * @throws UsageError; HostError `MODEL_NOT_DOWNLOADED` for an adapter that does not exist.
 */
export async function settingValue(
  { group, key, schema }: NamedSetting,
  words: readonly string[],
  client: Client,
): Promise<unknown> {
  const typed = words.join(' ');
  if (typed === DEFAULT) return undefined;
  if (key === 'lora') return readAdapters(words, client);
  if (key === 'draft_model') return readDraftModel(typed, client);
  if (key === 'devices') return typed === NONE ? [] : words;
  const texts = group === 'request' ? quotedTexts(typed) : undefined;
  const given = texts === undefined ? [typed] : [...(texts.length === 1 ? texts : []), texts];
  const readings = [...given, ...(typed.trim() === '' ? [] : [Number(typed)]), ...(SWITCH[typed.toLowerCase()] ?? [])];
  const results = readings.map((value) => validate(schema, value));
  const valid = results.find(({ success }) => success);
  if (valid !== undefined) return valid.output;
  // A value of the right type that is out of range has the most helpful message.
  const issues = results.flatMap(({ issues = [] }) => issues);
  const { message } = issues.find(({ kind }) => kind === 'validation') ?? { message: expectedOf(issues[0]?.expected) };
  throw new UsageError(`Invalid value for ${shownName(key)}: "${typed}". Expected ${message}.`);
}

/** Returns the id of a draft model as users name it; null for "none". */
export async function readDraftModel(typed: string, client: Client): Promise<string | null> {
  return typed === NONE ? null : (await modelOnDisk(typed, client)).id;
}

/** Returns the texts in double quotes of which something typed consists, with the escapes of JSON; undefined for others. */
function quotedTexts(typed: string): string[] | undefined {
  const QUOTED = /"(?:[^"\\]|\\.)*"/g;
  const quoted = typed.match(QUOTED);
  if (quoted === null || typed.replace(QUOTED, '').trim() !== '') return undefined;
  try {
    return quoted.map((text) => JSON.parse(text) as string);
  } catch {
    return undefined;
  }
}

/** Returns a value of a setting as users type it. */
export function shownValue(key: string, value: unknown): string {
  // Saved values have passed the schema.
  if (key === 'lora') return shownAdapters(value as Parameters<typeof shownAdapters>[0]);
  if (value === null) return NONE;
  if (key === 'devices' && Array.isArray(value)) return value.length === 0 ? NONE : value.join(', ');
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(item)).join(' ');
  const isPlain = typeof value !== 'string' || (value.trim() === value && !/[\r\n]/.test(value));
  return isPlain ? String(value) : JSON.stringify(value);
}

const SWITCH: Readonly<Record<string, readonly boolean[]>> = { on: [true], true: [true], off: [false], false: [false] };

function expectedOf(expected: string | null | undefined): string {
  if (expected === 'boolean') return '"on" or "off"';
  if (expected === 'number') return 'a number';
  const choices = expected?.startsWith('(') === true ? expected.slice(1, -1).replaceAll('"', '').split(' | ') : [];
  return choices.length === 0 ? 'another value' : `one of ${choices.join(', ')}`;
}
