import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import { type CommandContext, print } from '../context.ts';
import { printable, table } from '../terminal/text.ts';

/** `tabagent scan`. */
export async function run(context: CommandContext): Promise<number> {
  const { client, terminal, input } = context;
  const models = await client.all('SCAN_LOCAL_MODELS', ({ models }) => models);
  const { payload } = await client.request('SCAN_LOCAL_MODELS', { limit: 1 });
  const { folders, rejected, gone, problems, complete } = payload;
  print(context, { models, folders, rejected, gone, problems, complete }, () =>
    models.length === 0
      ? ''
      : table([
          ['MODEL', 'SOURCE', 'SIZE', 'KIND'],
          ...models.map(({ id, source, size, kind }) => [id, source, formatBytes(size), kind]),
        ]),
  );
  if (input.flag('json')) return EXIT.ok;
  const notes = [
    models.length === 0 ? 'No models of other programs found.' : undefined,
    ...rejected.map(({ path, reason }) => `Skipped ${path}: ${reason}`),
    ...gone.map(({ id, path }) => `Missing: ${id} (was ${path})`),
    ...problems,
    complete ? undefined : 'The scan is incomplete: it took too long, or the folders are too large.',
  ];
  for (const note of notes) if (note !== undefined) terminal.stderr.write(printable(`${note}\n`));
  return EXIT.ok;
}
