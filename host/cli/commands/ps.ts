import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes, formatDuration } from '../../common/format.ts';
import { type CommandContext, print } from '../context.ts';
import { table } from '../terminal/text.ts';

/** `tabagent ps`. */
export async function run(context: CommandContext): Promise<number> {
  const hosts = await context.client.all('LIST_HOSTS', ({ hosts }) => hosts);
  const now = Date.now() / 1000;
  print(context, { hosts }, () =>
    hosts.every(({ models }) => models.length === 0)
      ? ''
      : table([
          ['MODEL', 'RUNS ON', 'RAM', 'VRAM', 'CONTEXT', 'LOADED FOR', 'PROGRAM'],
          ...hosts.flatMap(({ pid, program, models }) =>
            models.map((model) => [
              model.model_id,
              model.loaded_to,
              formatBytes(model.ram_used),
              formatBytes(model.vram_used),
              String(model.config.context_size),
              formatDuration(Math.max(0, now - model.loaded_at)),
              program === undefined ? String(pid) : `${program} (${pid})`,
            ]),
          ),
        ]),
  );
  if (hosts.every(({ models }) => models.length === 0)) context.terminal.stderr.write('No models are loaded.\n');
  return EXIT.ok;
}
