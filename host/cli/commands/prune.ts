import { formatBytes } from '../../common/format.ts';
import { type CommandContext, print } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent prune`. Only says what would go, until it is told `--yes`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const dryRun = !input.flag('yes');
  const { payload } = await client.request('PRUNE_CACHE', {
    dryRun,
    partialDays: input.number('days'),
    maxBytes: input.size('to'),
  });
  print(context, payload, () => {
    const lines = payload.removed.map(
      ({ kind, id, bytes }) => `${formatBytes(bytes).padStart(9)}  ${id ?? 'a download nobody knows'}${KINDS[kind]}\n`,
    );
    const freed = formatBytes(payload.freed);
    const last = dryRun ? `Would free ${freed}. "tabagent prune --yes" does it.` : `Freed ${freed}.`;
    return printable(`${lines.join('')}${last}\n`);
  });
  return EXIT.ok;
}

const KINDS = { partial: ' (unfinished download)', orphan: '', model: '' } as const;
