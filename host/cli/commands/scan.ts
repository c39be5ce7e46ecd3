import { formatBytes } from '../../common/format.ts';
import { type CommandContext, print } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
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
          ['MODEL', 'HELD BY', 'SIZE', 'KIND'],
          ...models.map(({ id, source, size, kind }) => [id, source, formatBytes(size), kind]),
        ]),
  );
  if (input.flag('json')) return EXIT.ok;
  const notes = [
    models.length === 0 ? 'No other program holds a model here.' : undefined,
    ...rejected.map(({ path, reason }) => `Not taken: ${path}: ${reason}`),
    ...gone.map(({ id, path }) => `Gone: ${id}, which was ${path}`),
    ...problems,
    complete ? undefined : 'Not everything was seen: the disks were too slow, or the folders too large.',
  ];
  for (const note of notes) if (note !== undefined) terminal.stderr.write(printable(`${note}\n`));
  return EXIT.ok;
}
