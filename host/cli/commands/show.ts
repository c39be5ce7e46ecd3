import { isHostError } from '../../common/errors.ts';
import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import type { SavedModelSettings } from '../../protocol/actions/model-settings.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import { type CommandContext, print } from '../context.ts';
import { findModel, modelAnywhere } from '../model-argument.ts';
import { shownName, shownValue } from '../setting-names.ts';
import { facts } from '../terminal/text.ts';
import { settingsFacts } from './set.ts';

type Settings = NonNullable<SavedModelSettings['load']>;

/** `tabagent show`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [typed = ''] = input.args;
  const id = await modelAnywhere(typed, client);
  const onDisk = findModel(id, await client.all('GET_DOWNLOADED_MODELS', ({ models }) => models));
  const listed = findModel(id, await client.all('GET_AVAILABLE_MODELS', ({ models }) => models));
  const model = onDisk ?? listed;
  const [download, split] = await Promise.all([downloadOf(id, context), splitOf(id, context)]);
  const { settings } = (await client.request('GET_MODEL_SETTINGS', { modelId: id })).payload;
  const { load, ...others } = settings;
  const own = settingsFacts(others);
  print(
    context,
    { model: model ?? null, download: download ?? null, split, settings },
    () =>
      facts([
        ['Model', id],
        ['Name', model?.name],
        ['Type', model?.model_type],
        ['Kind', onDisk?.kind],
        ['Made for', onDisk?.baseModel?.repoId ?? onDisk?.baseModel?.name],
        ['Description', model?.description || undefined],
        ['Tags', model?.tags.join(', ') || undefined],
        ['Size', onDisk === undefined ? model && `${model.size_gb} GB` : formatBytes(onDisk.size)],
        ['Downloaded', download === undefined ? 'no' : `${download.status}, ${download.progress} %`],
        ['GPU layers', String(split.gpu_layers)],
        ['CPU layers', String(split.cpu_layers)],
        ['Memory', `${formatBytes(split.estimated_ram)} RAM, ${formatBytes(split.estimated_vram)} VRAM`],
        ['Fit', `${split.performance_tier}. ${split.reason}`],
        ['Speed', split.tokens_per_second === null ? undefined : `about ${split.tokens_per_second} tokens/s`],
      ]) +
      (own === '' ? '' : `\nSettings of its answers:\n${own}`) +
      `\nSettings of a load:\n${loadFacts(load, split.settings)}`,
  );
  return EXIT.ok;
}

/** Formats the settings of a load: those that are saved for the model, and what a load chooses for the others. */
function loadFacts(saved: Settings = {}, defaults: Settings = {}): string {
  const names = [...new Set([...Object.keys(defaults), ...Object.keys(saved)])] as (keyof Settings)[];
  return facts(
    names.map((name) => {
      const [own, other] = [saved[name], defaults[name]];
      const shown = (value: unknown) => (value === undefined ? 'none' : shownValue(name, value));
      return [shownName(name), own === undefined ? shown(other) : `${shown(own)} (saved; otherwise ${shown(other)})`];
    }),
  );
}

async function downloadOf(id: string, { client }: CommandContext) {
  try {
    return (await client.request('GET_DOWNLOAD_STATUS', { modelId: id })).payload;
  } catch (error) {
    if (isHostError(error, 'DOWNLOAD_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Returns how the model would be split between GPU and CPU. */
async function splitOf(id: string, { client, input }: CommandContext): Promise<PayloadOf<'RECOMMEND_SPLIT'>> {
  return (await client.request('RECOMMEND_SPLIT', { modelId: id, n_ctx: input.number('context') })).payload;
}
