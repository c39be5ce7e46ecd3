import { resolve } from 'node:path';
import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import { type CommandContext, print } from '../context.ts';
import { progressView } from '../terminal/progress.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent move`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client, terminal } = context;
  const [folder = ''] = input.args;
  const progress = progressView(terminal);
  try {
    const { payload } = await client.request(
      'MOVE_CACHE',
      { folder: resolve(folder) },
      {
        onEvent: ({ type, payload }) => {
          if (type !== 'CACHE_MOVE_PROGRESS') return;
          const { moved, total, progress: percent } = payload;
          progress.update({ label: 'Moving', percent, done: moved, total });
        },
      },
    );
    progress.end();
    print(context, payload, () => printable(`Moved ${formatBytes(payload.bytes)} to ${payload.to}\n`));
    return EXIT.ok;
  } finally {
    progress.end();
  }
}
