import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import { type CommandContext, print, printWarning } from '../context.ts';
import { downloadStep } from '../download-step.ts';
import { modelOrRepository, withModelHint, withResumeHint } from '../model-argument.ts';
import { progressView } from '../terminal/progress.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent pull`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client, terminal } = context;
  const [typed = '', file] = input.args;
  const [revision, quantization] = [input.text('revision'), input.text('quantization')];
  const isQualified = revision !== undefined || quantization !== undefined;
  const model =
    file === undefined
      ? { modelId: await modelOrRepository(typed, client, { isQualified }) }
      : { modelPath: typed, modelFile: file };
  const progress = progressView(terminal);
  let reply: { message?: string; payload: PayloadOf<'DOWNLOAD_MODEL'> };
  try {
    reply = await client.request(
      'DOWNLOAD_MODEL',
      {
        ...model,
        revision,
        quantization,
        maxBytesPerSecond: input.size('max-speed'),
        update: input.flag('update') ? true : undefined,
      },
      {
        onEvent: ({ type, payload }) => {
          if (type !== 'MODEL_DOWNLOAD_PROGRESS') return;
          progress.update(downloadStep(baseName(payload.fileName) || payload.modelId, payload));
        },
      },
    );
  } catch (error) {
    progress.end();
    throw await withModelHint(withResumeHint(error), file === undefined ? typed : `${typed}/${file}`, client);
  }
  progress.end();
  const { payload, message = '' } = reply;
  printWarning(context, payload.warning);
  print(context, payload, () => printable(`${message}: ${payload.modelId} (${formatBytes(payload.size)})\n`));
  return EXIT.ok;
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
