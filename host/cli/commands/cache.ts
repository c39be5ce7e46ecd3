import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes, formatDuration } from '../../common/format.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import { type CommandContext, print } from '../context.ts';
import { modelOnDisk } from '../model-argument.ts';
import { facts, printable, table } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent cache`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const [what = 'stats', typed] = input.args;
  if (what === 'stats') return stats(context);
  if (typed === undefined) throw new UsageError(`Missing argument MODEL. Usage: tabagent cache ${what} MODEL`);
  const { id } = await modelOnDisk(typed, client);
  const { payload } = await client.request(what === 'pin' ? 'PIN_MODEL' : 'UNPIN_MODEL', { modelId: id });
  print(context, payload, () =>
    printable(
      `${payload.pinned ? 'Pinned' : 'Unpinned'} ${payload.id}. It ${payload.pinned ? 'is never removed automatically' : 'can be removed automatically'}.\n`,
    ),
  );
  return EXIT.ok;
}

async function stats(context: CommandContext): Promise<number> {
  const { payload } = await context.client.request('GET_CACHE_STATS');
  const models = await context.client.all('GET_CACHE_STATS', ({ models }) => models);
  const { nextCursor: _, ...whole } = payload;
  print(context, { ...whole, models }, () => formatStats({ ...whole, models }));
  return EXIT.ok;
}

function formatStats(stats: PayloadOf<'GET_CACHE_STATS'>): string {
  const { folder, models, modelBytes, partials, partialBytes, limitBytes, disk } = stats;
  const now = Date.now() / 1000;
  const rows = models.map(({ id, size, lastUsed, pinned, busy }) => [
    id,
    formatBytes(size),
    `${formatDuration(Math.max(0, now - lastUsed))} ago`,
    [pinned ? 'pinned' : '', busy ? 'in use' : ''].filter(Boolean).join(', '),
  ]);
  return (
    facts([
      ['Folder', folder],
      ['Models', `${models.length}, ${formatBytes(modelBytes)}`],
      ['Unfinished downloads', `${partials.length}, ${formatBytes(partialBytes)}`],
      ['Size limit', limitBytes === null ? 'none' : formatBytes(limitBytes)],
      ['Disk', disk === null ? undefined : `${formatBytes(disk.available)} of ${formatBytes(disk.total)} free`],
    ]) + (rows.length === 0 ? '' : `\n${table([['MODEL', 'SIZE', 'LAST USED', ''], ...rows])}`)
  );
}
