import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import type { KnownModel } from '../../protocol/short-names.ts';
import type { CommandContext } from '../context.ts';
import { print } from '../context.ts';
import { findModel, modelOnDisk } from '../model-argument.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent rm`. All names are looked up before anything is deleted. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client, terminal } = context;
  const unfinished = await client.all('GET_ACTIVE_DOWNLOADS', ({ downloads }) => downloads);
  const parts = unfinished.map(({ modelId: id, repo_id, file_path }) => ({ id, repo_id, file_path }));
  const ids: string[] = [];
  for (const typed of input.args) {
    const partial: KnownModel | undefined = findModel(client.plainName(typed), parts);
    ids.push((partial ?? (await modelOnDisk(typed, client))).id);
  }
  const deleted: { id: string; freed: number }[] = [];
  for (const id of new Set(ids)) {
    const { payload, message } = await client.request('DELETE_MODEL', { modelId: id });
    deleted.push({ id, freed: payload.freed });
    // For a model of another program nothing is freed, and the message says why.
    const words = payload.freed === 0 ? `${id}: ${message}` : `Deleted ${id} (${formatBytes(payload.freed)})`;
    if (!input.flag('json')) terminal.stdout.write(printable(`${words}\n`));
  }
  if (input.flag('json')) print(context, { deleted }, () => '');
  return EXIT.ok;
}
