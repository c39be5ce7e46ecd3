import { EXIT } from '../../common/exit-codes.ts';
import { formatBytes } from '../../common/format.ts';
import { MODEL_SOURCES } from '../../protocol/model-sources.ts';
import { type CommandContext, print } from '../context.ts';
import { printable, table } from '../terminal/text.ts';

/** `tabagent ls`. */
export async function run(context: CommandContext): Promise<number> {
  const { input, client, terminal } = context;
  if (input.flag('downloads')) return listDownloads(context);
  const onDisk = await client.all('GET_DOWNLOADED_MODELS', ({ models }) => models);
  const offered = input.flag('all') ? await client.all('GET_AVAILABLE_MODELS', ({ models }) => models) : [];
  const models = [...onDisk, ...offered.filter(({ downloaded }) => !downloaded)];
  if (input.flag('ids') && !input.flag('json')) {
    terminal.stdout.write(models.map(({ id }) => `${printable(id)}\n`).join(''));
    return EXIT.ok;
  }
  const isForeign = ({ source }: (typeof models)[number]) => (MODEL_SOURCES as readonly string[]).includes(source);
  const hasForeign = models.some(isForeign);
  print(context, { models }, () =>
    models.length === 0
      ? ''
      : table([
          ['MODEL', 'SIZE', ...(input.flag('all') ? ['DOWNLOADED'] : []), ...(hasForeign ? ['SOURCE'] : [])],
          ...models.map((model) => [
            model.id,
            'size' in model && typeof model.size === 'number' ? formatBytes(model.size) : `${model.size_gb} GB`,
            ...(input.flag('all') ? [model.downloaded ? 'yes' : 'no'] : []),
            ...(hasForeign ? [isForeign(model) ? model.source : ''] : []),
          ]),
        ]),
  );
  if (models.length === 0) {
    terminal.stderr.write(
      'No models are downloaded. Run "tabagent ls --all" to list available models, or "tabagent pull MODEL" to download one.\n',
    );
  }
  return EXIT.ok;
}

async function listDownloads(context: CommandContext): Promise<number> {
  const downloads = await context.client.all('GET_ACTIVE_DOWNLOADS', ({ downloads }) => downloads);
  print(context, { downloads }, () =>
    downloads.length === 0
      ? ''
      : table([
          ['MODEL', 'STATE', 'PROGRESS', 'SIZE'],
          ...downloads.map(({ modelId, status, progress, total }) => [
            modelId,
            status,
            `${progress} %`,
            formatBytes(total),
          ]),
        ]),
  );
  if (downloads.length === 0) context.terminal.stderr.write('No unfinished downloads.\n');
  return EXIT.ok;
}
