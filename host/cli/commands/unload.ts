import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import { sum } from '../../common/sum.ts';
import { type CommandContext, print } from '../context.ts';
import { loadedModel } from '../loaded-model.ts';
import { printable } from '../terminal/text.ts';

/** `tabagent unload`. All names are looked up before anything is unloaded. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client } = context;
  const ids = new Set(await Promise.all(input.args.map((typed) => loadedModel(typed, client))));
  const unloaded: { id: string; freed: number }[] = [];
  for (const modelId of ids) {
    const { payload } = await client.request('UNLOAD_MODEL', { modelId });
    unloaded.push({ id: modelId, freed: sum([payload.ramFreed, payload.vramFreed]) });
  }
  print(context, { unloaded }, () =>
    printable(unloaded.map(({ id, freed }) => `Unloaded ${id} (${formatBytes(freed)})\n`).join('')),
  );
  return EXIT.ok;
}
