import type { PayloadOf } from '../protocol/messages.ts';
import { readAdapters } from './adapters.ts';
import { withoutGaps } from './client.ts';
import type { CommandContext } from './context.ts';
import { modelOrRepository, withModelHint, withResumeHint } from './model-argument.ts';
import { NONE, readDraftModel } from './setting-names.ts';
import { progressView } from './terminal/progress.ts';

/** Returns the settings of a load that options choose. Throws as {@link readAdapters}. */
export async function loadSettingsOf({ input, client }: CommandContext): Promise<Record<string, unknown>> {
  const [devices, lora, draft] = [input.texts('device'), input.texts('lora'), input.text('draft-model')];
  return withoutGaps({
    n_ctx: input.number('context'),
    n_gpu_layers: input.number('gpu-layers'),
    n_threads: input.number('threads'),
    devices: devices.length === 0 ? undefined : devices.filter((device) => device !== NONE),
    lora: lora.length === 0 ? undefined : await readAdapters(lora, client),
    draft_model: draft === undefined ? undefined : await readDraftModel(draft, client),
  });
}

/**
 * Loads a model, downloading it first if necessary, and shows the progress.
 *
 * @param fields Fields of the request besides the model.
 * @throws HostError as `LOAD_MODEL`, with similar names for a model that does not exist.
 */
export async function loadModel(
  { client, terminal }: CommandContext,
  typed: string,
  fields: object,
): Promise<PayloadOf<'LOAD_MODEL'>> {
  const modelId = await modelOrRepository(typed, client);
  const progress = progressView(terminal);
  let isDownloading = false;
  try {
    const { payload } = await client.request(
      'LOAD_MODEL',
      { modelId, ...fields },
      {
        onEvent: (event) => {
          if (event.type !== 'modelWorkerLoadingProgress' || event.payload.status !== 'progress') return;
          const { message = 'Loading', progress: percent, loaded: done, total } = event.payload;
          isDownloading = done !== undefined;
          progress.update({ label: message, percent, done, total });
        },
      },
    );
    progress.end();
    return payload;
  } catch (error) {
    progress.end();
    throw await withModelHint(isDownloading ? withResumeHint(error) : error, typed, client);
  }
}
