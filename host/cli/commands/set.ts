import { EXIT } from '../../common/exit-codes.ts';
import type { SavedModelSettings } from '../../protocol/actions/model-settings.ts';
import { type CommandContext, print } from '../context.ts';
import { modelAnywhere } from '../model-argument.ts';
import { type ModelSetting, settingNamed, settingValue, shownName, shownValue } from '../setting-names.ts';
import { facts } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent set`: shows the settings that are saved for a model, or changes one. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [model = '', name, ...words] = input.args;
  const modelId = await modelAnywhere(model, client);
  let { settings } = (await client.request('GET_MODEL_SETTINGS', { modelId })).payload;
  if (name !== undefined) {
    const setting = settingNamed(name);
    if (words.length === 0) throw new UsageError(`Missing argument VALUE. Usage: tabagent set MODEL ${name} VALUE`);
    const changes = changeOf(settings, setting, await settingValue(setting, words, client));
    ({ settings } = (await client.request('SET_MODEL_SETTINGS', { modelId, settings: changes })).payload);
  }
  print(context, { modelId, settings }, () => settingsFacts(settings) || 'No settings are saved for this model.\n');
  return EXIT.ok;
}

/** Formats the settings that are saved for a model as lines of a name and a value. */
export function settingsFacts({ system_prompt: system, generation = {}, load = {} }: SavedModelSettings): string {
  const others = Object.entries({ ...generation, ...load });
  return facts([
    ['system', system === '' ? '""' : system],
    ...others.map(([key, value]) => [shownName(key), shownValue(key, value)] as const),
  ]);
}

/** Returns the change of a setting as a request has it, which replaces the whole group. */
function changeOf(saved: SavedModelSettings, { group, key }: ModelSetting, value: unknown): object {
  if (group === 'system_prompt') return { system_prompt: value ?? null };
  const { [key]: _, ...others } = { ...saved[group] } as Record<string, unknown>;
  const changed = value === undefined ? others : { ...others, [key]: value };
  return { [group]: Object.keys(changed).length === 0 ? null : changed };
}
