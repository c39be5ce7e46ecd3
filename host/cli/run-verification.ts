import { EXIT } from '../common/exit-codes.ts';
import { formatBytes } from '../common/format.ts';
import { sum } from '../common/sum.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { type CommandContext, print } from './context.ts';
import { modelOnDisk } from './model-argument.ts';
import { progressView } from './terminal/progress.ts';
import { printable } from './terminal/text.ts';

type Report = PayloadOf<'VERIFY_MODEL'>;

/** Runs `tabagent verify` and `tabagent repair`. They exit with 1 if a model is damaged and was not repaired. */
export async function runVerification(
  action: 'VERIFY_MODEL' | 'REPAIR_MODEL',
  context: CommandContext,
): Promise<number> {
  const { input, client, terminal } = context;
  const [typed] = input.args;
  const fields = typed === undefined ? {} : { modelId: (await modelOnDisk(typed, client)).id };
  const progress = progressView(terminal);
  try {
    const { payload } = await client.request(action, fields, {
      onEvent: ({ type, payload }) => {
        if (type !== 'MODEL_VERIFY_PROGRESS' && type !== 'MODEL_DOWNLOAD_PROGRESS') return;
        const { fileName, progress: percent, loaded, total, bytesPerSecond, etaSeconds } = payload;
        const label = `${type === 'MODEL_VERIFY_PROGRESS' ? 'Verifying' : 'Repairing'} ${fileName}`;
        progress.update({ label, percent, done: loaded, total, bytesPerSecond, etaSeconds });
      },
    });
    progress.end();
    print(context, payload, () => printable(formatReport(payload)));
    if (payload.checked === 0) terminal.stderr.write('No models are downloaded.\n');
    return payload.bad === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    progress.end();
  }
}

function formatReport({ models, checked }: Report): string {
  const lines = models.map((model) => `${model.id}: ${formatState(model)}\n`);
  const rest = checked - models.length;
  return lines.join('') + (rest > 0 ? `${rest} more verified, no problems found\n` : '');
}

function formatState({ state, files, repaired, fetched, error }: Report['models'][number]): string {
  if (error !== undefined) return error.message;
  if (repaired) return `repaired (${formatBytes(fetched)} downloaded)`;
  const chunks = sum(files.map(({ badChunkCount }) => badChunkCount));
  switch (state) {
    case 'good':
      return 'OK';
    case 'unchanged':
      return 'unchanged since it was first verified (no published checksum to compare with)';
    case 'recorded':
      return 'recorded for later verification (no checksum to compare with)';
    case 'missing':
      return `missing files: ${files.flatMap((file) => (file.state === 'missing' ? [file.fileName] : [])).join(', ')}`;
    case 'bad':
      return chunks === 0 ? 'damaged' : `damaged (${chunks} ${chunks === 1 ? 'chunk' : 'chunks'})`;
  }
}
