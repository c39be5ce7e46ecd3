import { formatBytes } from '../common/format.ts';
import { sum } from '../common/sum.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { type CommandContext, print } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { modelOnDisk } from './model-argument.ts';
import { progressView } from './terminal/progress.ts';
import { printable } from './terminal/text.ts';

type Report = PayloadOf<'VERIFY_MODEL'>;

/** `tabagent verify` and `tabagent repair`: exit with 1 when something is not as it should be and was not mended. */
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
        const label = `${type === 'MODEL_VERIFY_PROGRESS' ? 'Checking' : 'Mending'} ${fileName}`;
        progress.update({ label, percent, done: loaded, total, bytesPerSecond, etaSeconds });
      },
    });
    progress.end();
    print(context, payload, () => printable(inWords(payload)));
    if (payload.checked === 0) terminal.stderr.write('No model is on this disk.\n');
    return payload.bad === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    progress.end();
  }
}

function inWords({ models, checked }: Report): string {
  const lines = models.map((model) => `${model.id}: ${stateInWords(model)}\n`);
  const rest = checked - models.length;
  return lines.join('') + (rest > 0 ? `and ${rest} more, nothing wrong with them\n` : '');
}

function stateInWords({ state, files, repaired, fetched, error }: Report['models'][number]): string {
  if (error !== undefined) return error.message;
  if (repaired) return `mended (${formatBytes(fetched)} fetched)`;
  const chunks = sum(files.map(({ badChunkCount }) => badChunkCount));
  switch (state) {
    case 'good':
      return 'good';
    case 'unchanged':
      return 'unchanged since it was first looked at; nobody knows what the hub announced';
    case 'recorded':
      return 'recorded for the next time; there was no record and no hub to compare it with';
    case 'missing':
      return `files are missing: ${files.flatMap((file) => (file.state === 'missing' ? [file.fileName] : [])).join(', ')}`;
    case 'bad':
      return chunks === 0 ? 'bad' : `bad: ${chunks} damaged ${chunks === 1 ? 'chunk' : 'chunks'}`;
  }
}
