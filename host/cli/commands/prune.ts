import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import { type CommandContext, print } from '../context.ts';
import { printable } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent prune`. Lists what would be removed, and removes it with `--yes`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  if (input.flag('yes') && input.flag('dry-run')) throw new UsageError('Use either --yes or --dry-run.');
  const dryRun = !input.flag('yes');
  const { payload } = await client.request('PRUNE_CACHE', {
    dryRun,
    partialDays: input.number('days'),
    maxBytes: input.size('to'),
  });
  print(context, payload, () => {
    const lines = payload.removed.map(
      ({ kind, id, bytes }) => `${formatBytes(bytes).padStart(9)}  ${id ?? 'unknown download'}${KINDS[kind]}\n`,
    );
    const freed = formatBytes(payload.freed);
    const last = dryRun ? `Would free ${freed}. Run again with --yes to remove these files.` : `Freed ${freed}.`;
    return printable(lines.length === 0 ? 'Nothing to remove.\n' : `${lines.join('')}${last}\n`);
  });
  return EXIT.ok;
}

const KINDS = { partial: ' (unfinished download)', orphan: '', model: '' } as const;
