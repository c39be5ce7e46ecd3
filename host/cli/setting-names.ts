import { validate } from '../common/validate.ts';
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
export interface NamedSetting {
  /** Which settings of a model it belongs to. `system_prompt` is one itself. */
  readonly group: keyof SavedModelSettings;
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

const SETTINGS: ReadonlyMap<string, NamedSetting> = new Map(
  [
    { group: 'system_prompt' as const, key: 'system_prompt', schema: systemPrompt },
    ...settingsIn('generation', generationSettings),
    ...settingsIn('load', savedLoadSettings),
  ].map((setting) => [setting.key, setting]),
);

function settingsIn(group: NamedSetting['group'], entries: Readonly<Record<string, Schema>>): NamedSetting[] {
  return Object.entries(entries).map(([key, schema]) => ({ group, key, schema }));
}

/** Returns the name under which a setting is shown. */
export function shownName(key: string): string {
  const [short] = Object.entries(SHORT_NAMES).find(([, name]) => name === key) ?? [];
  return short ?? key.replaceAll('_', '-');
}

/** Returns a value of a setting as users type it. */
export function shownValue(key: string, value: unknown): string {
  // Saved values have passed the schema.
  if (key === 'lora') return shownAdapters(value as Parameters<typeof shownAdapters>[0]);
  if (value === null) return NONE;
  if (Array.isArray(value)) return value.length === 0 ? NONE : value.join(', ');
  return String(value);
}

/** The names of all settings, for help and completion. */
export const SETTING_NAMES: readonly string[] = [...SETTINGS.keys()].map(shownName);

/** Returns the setting of a name, as options or as requests spell it. Throws {@link UsageError}. */
export function settingNamed(typed: string): NamedSetting {
  const name = typed.toLowerCase();
  const found = SETTINGS.get(SHORT_NAMES[name] ?? name.replaceAll('-', '_'));
  if (found !== undefined) return found;
  const hint = didYouMean(name, SETTING_NAMES) || ` Expected one of ${SETTING_NAMES.join(', ')}.`;
  throw new UsageError(`Unknown setting: ${typed}.${hint}`);
}

/**
 * Returns the value that was typed for a setting; undefined to reset it.
 *
 * @param words The arguments that were typed.
 * @throws UsageError; HostError `MODEL_NOT_DOWNLOADED` for an adapter that does not exist.
 */
export async function settingValue(
  { key, schema }: NamedSetting,
  words: readonly string[],
  client: Client,
): Promise<unknown> {
  const typed = words.join(' ');
  if (typed === DEFAULT) return undefined;
  if (key === 'lora') return readAdapters(words, client);
  if (key === 'draft_model') return readDraftModel(typed, client);
  if (key === 'devices') return typed === NONE ? [] : words;
  const readings = [typed, ...(typed.trim() === '' ? [] : [Number(typed)]), ...(SWITCH[typed.toLowerCase()] ?? [])];
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

const SWITCH: Readonly<Record<string, readonly boolean[]>> = { on: [true], true: [true], off: [false], false: [false] };

function expectedOf(expected: string | null | undefined): string {
  if (expected === 'boolean') return '"on" or "off"';
  if (expected === 'number') return 'a number';
  const choices = expected?.startsWith('(') === true ? expected.slice(1, -1).replaceAll('"', '').split(' | ') : [];
  return choices.length === 0 ? 'another value' : `one of ${choices.join(', ')}`;
}
